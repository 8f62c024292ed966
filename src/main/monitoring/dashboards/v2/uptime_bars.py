"""How was everything day by day? A row a thing, a bar a day; what nobody saw is hollow."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from dash import html
from dash.development.base_component import Component

from main import text
from main.monitoring.reads.uptime import Uptime, UptimeDay

DAY_SECONDS = 86_400.0
_LEAST, _MOST = 34.0, 100.0  # per cent of a bar's height: a minute of trouble must be seen


@dataclass(frozen=True, slots=True)
class NamedUptime:
    """A thing with the name it has on the page."""

    name: str
    uptime: Uptime


def uptime_bars(rows: Sequence[NamedUptime], last: date, days: int, *, live: bool) -> Component:
    """Return the rows with their percentages; `last` is the day at the right, that of `days` days at the left."""
    shown = [last - timedelta(days=days - 1 - number) for number in range(days)]
    ends = (f"{shown[0]:%-d %b}", "today" if live else f"{last:%-d %b}")
    axis = html.Div([html.Span(end) for end in ends], className="uptime-axis")
    return html.Div([*(_row(row, shown) for row in rows), axis], className="uptime")


def _row(row: NamedUptime, shown: Sequence[date]) -> Component:
    known = {each.day: each for each in row.uptime.days}
    written = text.percent(row.uptime.up_share, 2).removesuffix("%")
    seen = f"{len(known)} of {len(shown)} days seen"
    named: dict[str, Any] = {"aria-label": f"{row.name}: {written} % of the time it was looked at, {seen}"}
    bars = html.Div([_bar(day, known.get(day)) for day in shown], className="uptime-days", role="img", **named)
    return html.Div(
        [
            html.Span(row.name, className="uptime-name", title=row.name),
            bars,
            html.Span(written, className="uptime-share number"),
        ],
        className="uptime-row",
    )


def _bar(day: date, seen: UptimeDay | None) -> Component:
    if seen is None or not (known := seen.up_seconds + seen.degraded_seconds + seen.down_seconds):
        return html.Span(className="uptime-day uptime-unseen", title=f"{day:%-d %b}: nobody looked")
    trouble, tone = seen.degraded_seconds, "degraded"
    if seen.down_seconds:
        trouble, tone = seen.degraded_seconds + seen.down_seconds, "down"
    unseen = max(0.0, DAY_SECONDS - known)
    said = [f"up {text.duration(seen.up_seconds)}"]
    said += [f"degraded {text.duration(seen.degraded_seconds)}"] if seen.degraded_seconds else []
    said += [f"down {text.duration(seen.down_seconds)}"] if seen.down_seconds else []
    said += [f"not seen {text.duration(unseen)}"] if unseen > 1 else []
    height = 0.0 if not trouble else max(_LEAST, min(_MOST, trouble / known * _MOST))
    mark = [html.Span(className=f"uptime-{tone}", style={"height": f"{height:.0f}%"})] if height else []
    return html.Span(mark, className="uptime-day", title=f"{day:%-d %b}: {', '.join(said)}")
