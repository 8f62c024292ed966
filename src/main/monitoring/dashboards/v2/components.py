"""What figures, words and marks look like inside a panel: the vocabulary that panels are written in.

Money: `signed_money`, `signed_percent` (arrow, sign and colour), `amount`. Words: `chip`, `side_chip`, `mode_chip`,
`light`. Times, written in the viewer's zone by the browser: `moment`, `event_time`, `age`. Groups: `kpi_band` of `kpi`,
`limit_bar`, `sparkline`, `lights` of `Light`, `feed` of `FeedItem`, `alert_strip` of `Incident`, `facts`, `reading` (a
figure above its chart).
States: `empty`, `failed`, `unknown`. Only `dash.html` is used, colours and sizes are classes of `assets/*.css`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

from dash import html
from dash.development.base_component import Component

from main import text

Child = Component | str | Sequence["Component | str"]
Tone = Literal["neutral", "outline", "ok", "warn", "critical", "accent", "info", "simulated"]
LightState = Literal["ok", "degraded", "late", "down", "unknown"]

_LIGHTS_IN_A_ROW = 7
_HIDDEN: dict[str, Any] = {"aria-hidden": "true"}
_MODES: dict[str, tuple[str, Tone]] = {
    "simulated": ("SIMULATED", "simulated"),
    "replay": ("REPLAY", "simulated"),
    "paper": ("PAPER", "outline"),
    "live": ("LIVE MONEY", "accent"),
}


def icon(name: str) -> Component:
    """Return a decoration from `assets/icons.css`; the word beside it carries the meaning."""
    return html.Span(className=f"icon icon-{name}", **_HIDDEN)


def signed_money(value: text.Number | None, decimals: int = 2, *, arrow: bool = True) -> Component:
    """Return a profit, loss or change in its colour, with sign and arrow; "—" for what is not known."""
    return _signed(value, text.signed_money(value, decimals), arrow=arrow)


def signed_percent(fraction: text.Number | None, decimals: int = 2, *, arrow: bool = False) -> Component:
    """Return a change as per cent in its colour; without arrow, for it stands beside an amount that has one."""
    return _signed(fraction, text.percent(fraction, decimals, signed=True), arrow=arrow)


def amount(written: str, *, reason: str = "") -> Component:
    """Return a figure without sign colour; a "—" is dimmed and tells its reason in a tooltip."""
    return unknown(reason) if written == text.DASH else html.Span(written, className="number")


def unknown(reason: str = "") -> Component:
    """Return the dash of an unknown value with the reason as its tooltip and accessible name."""
    name = f"unknown: {reason}" if reason else "unknown"
    return html.Span(text.DASH, className="number unknown", role="img", title=reason or None, **_named(name))


def chip(label: str, tone: Tone = "neutral", *, icon_name: str = "", title: str = "") -> Component:
    """Return a small framed word."""
    children: list[Component | str] = [icon(icon_name)] if icon_name else []
    return html.Span([*children, label], className=f"chip chip-{tone}", title=title or None)


def side_chip(side: str) -> Component:
    """Return Long, Short, Buy or Sell, all neutral: the long side filled, the other outlined."""
    return chip(side.capitalize(), "neutral" if side.lower() in ("long", "buy") else "outline")


def mode_chip(mode: str, label: str = "") -> Component:
    """Return SIMULATED, REPLAY, PAPER or LIVE MONEY, with an account's name behind it where it stands alone."""
    word, tone = _MODES[mode]
    return chip(
        f"{word} · {label}" if label else word, tone, icon_name="flask-conical" if label and mode == "simulated" else ""
    )


def dot(state: LightState) -> Component:
    """Return the mark of a state; shape differs with the state, and the word beside it says the same."""
    return html.Span(className=f"dot dot-{state}", **_HIDDEN)


def light(state: LightState, word: str) -> Component:
    """Return a dot and its word, in a line."""
    return html.Span([dot(state), html.Span(word)], className=f"light light-{state}")


def moment(at: datetime | None) -> Component:
    """Return a time that the browser writes in the viewer's zone: today `14:32:05`, else `12 Oct 10:04`."""
    return _time(at, "moment")


def event_time(at: datetime | None) -> Component:
    """Return the time of an event: `14:31:58`, with milliseconds in the tooltip."""
    return _time(at, "event")


def age(at: datetime | None) -> Component:
    """Return how long ago something was, ticking in the browser on the server's clock: `4 s`."""
    return _time(at, "age")


def kpi(
    label: str,
    figure: Child,
    *,
    unit: str = "",
    detail: Child = "",
    aside: Component | None = None,
    lead: bool = False,
    beneath: Child = "",
    phone: bool = True,
) -> Component:
    """Return a card of a band: label, figure, a line of detail.

    A phone shows the `lead` card large, with `beneath` in place of its detail, and only cards that are for the `phone`.
    """
    figure_line = [html.Span(figure, className="kpi-figure"), html.Span(unit, className="kpi-unit") if unit else None]
    parts = [
        html.Div(label, className="kpi-label"),
        html.Div([part for part in figure_line if part is not None], className="kpi-line"),
        html.Div(detail, className="kpi-detail"),
        *([html.Div(beneath, className="kpi-beneath")] if beneath else []),
    ]
    column = html.Div(parts, className="kpi-text")
    place = " kpi-lead" if lead else "" if phone else " kpi-wide"
    return html.Div([column, aside] if aside else [column], className="kpi" + place)


def kpi_band(cards: Sequence[Component], *, title: Child = "") -> Component:
    """Return cards side by side with hairlines between; `title` names account or currency where bands are stacked."""
    band = html.Div(list(cards), className="kpi-band")
    return html.Div([html.Div(title, className="kpi-title"), band] if title else [band], className="kpi-group")


def limit_bar(used: float | None, written: str, *, warn_at: float = 0.8) -> Component:
    """Return a bar for a fraction of a limit with its tick at `warn_at` (a fraction too) and the amounts beside it."""
    share = 0.0 if used is None or not math.isfinite(used) else min(max(used, 0.0), 1.0)
    tone = "loss" if share >= 1 else "warn" if share >= warn_at else "calm"
    track = html.Span(
        [
            html.Span(className=f"limit-fill limit-{tone}", style={"width": f"{share * 100:.1f}%"}),
            html.Span(className="limit-tick", style={"left": f"{warn_at * 100:.1f}%"}),
        ],
        className="limit-track",
        **_HIDDEN,
    )
    return html.Span([track, html.Span(written, className="limit-text")], className="limit")


def sparkline(
    values: Sequence[float | None], *, label: str, tone: Literal["ink", "profit", "loss"] = "ink"
) -> Component:
    """Return a line of 92 by 30 pixels without axis, oldest first; `label` says it to those who do not see it."""
    path = _path([float(v) for v in values if v is not None and math.isfinite(v)])
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 92 30" preserveAspectRatio="none">'
        f'<path d="{path}" fill="none" stroke="#000" stroke-width="1.5" stroke-linejoin="round"/></svg>'
    )
    # As a mask the line takes its colour from the theme; an <img> could not.
    mask = f"url('data:image/svg+xml,{quote(svg)}')"
    style = {"maskImage": mask, "WebkitMaskImage": mask}
    return html.Span(className=f"sparkline sparkline-{tone}", style=style, role="img", **_named(label))


@dataclass(frozen=True, slots=True)
class Light:
    """One thing that can be well or not, as `lights` shows it."""

    icon: str
    name: str
    state: LightState
    word: str
    detail: Child = ""


def lights(items: Sequence[Light]) -> Component:
    """Return a grid of status lights; only those in trouble are tinted."""
    rows = max(1, math.ceil(len(items) / _LIGHTS_IN_A_ROW))
    balanced = {"--columns": str(max(1, math.ceil(len(items) / rows)))}  # eight are two rows of four, not seven and one
    return html.Div([_light_cell(item) for item in items], className="lights", role="list", style=balanced)


@dataclass(frozen=True, slots=True)
class FeedItem:
    """One line of a feed: when, what kind, what, and whose."""

    at: datetime | None
    kind: str
    said: Child
    aside: str = ""
    tone: Tone = "neutral"


def feed(items: Sequence[FeedItem], *, label: str) -> Component:
    """Return what happened, newest first, one line each."""
    return html.Ol([_feed_line(item) for item in items], className="feed", tabIndex=0, **_named(label))


@dataclass(frozen=True, slots=True)
class Incident:
    """One line of an alert strip: how bad, what, whose and how much, since when."""

    severity: str
    title: str
    about: str
    since: datetime


def alert_strip(incidents: Sequence[Incident]) -> Component:
    """Return the first incident in a line, the others behind "n more"; nothing when there is none."""
    if not incidents:
        return html.Div()
    first, *others = incidents
    tone = {"critical": "critical", "warning": "warn"}.get(first.severity, "info")
    role = "alert" if tone == "critical" else "status"
    line: list[Component] = [html.Div(_incident(first), className="alert-said", role=role), _since(first)]
    if not others:
        return html.Div(line, className=f"strip alert-strip strip-{tone}")
    more = html.Summary(f"{len(others)} more", className="button")
    rest = html.Ol([html.Li([html.Div(_incident(other), className="alert-said"), _since(other)]) for other in others])
    return html.Div([*line, html.Details([more, rest])], className=f"strip alert-strip strip-{tone}")


def facts(pairs: Sequence[tuple[str, Child]]) -> Component:
    """Return names and values in two columns."""
    lines = [html.Div([html.Dt(name), html.Dd(value)], className="fact") for name, value in pairs]
    return html.Dl(lines, className="facts")


def reading(figure: Child, *, unit: str = "", detail: Child = "") -> Component:
    """Return the line above a chart: its present figure at the left, context at the right."""
    left = html.Span([html.Span(figure, className="kpi-figure"), html.Span(unit, className="kpi-unit")])
    return html.Div([left, html.Span(detail, className="reading-detail")], className="reading")


def empty(title: str, reason: str = "", *, icon_name: str = "inbox") -> Component:
    """Return the empty state: what is missing, and why or what to do."""
    return _notice(icon_name, title, reason, "empty")


def failed(reason: str, details: str = "") -> Component:
    """Return the error state of one panel, in plain words; `details` is what "Copy details" copies."""
    buttons = html.Div(
        [
            html.Button("Try again", className="button", type="button", **_data(action="retry")),
            html.Button("Copy details", className="button", type="button", **_data(action="copy-details")),
        ],
        className="buttons",
    )
    copied = html.Pre(details or reason, className="visually-hidden", **_data(details="1"))
    return _notice("triangle-alert", "This panel failed", reason, "failed", buttons, copied)


def _incident(incident: Incident) -> list[Component]:
    mark = icon("info" if incident.severity == "info" else "triangle-alert")
    return [mark, html.B(incident.title), html.Span(incident.about, title=incident.about)]


def _since(incident: Incident) -> Component:
    return html.Span(["since ", moment(incident.since)], className="alert-since")


def _named(label: str) -> dict[str, Any]:
    return {"aria-label": label}


def _data(**attributes: str) -> dict[str, Any]:
    return {f"data-{name}": value for name, value in attributes.items()}


def _notice(icon_name: str, title: str, reason: str, kind: str, *more: Component) -> Component:
    parts = [
        icon(icon_name),
        html.Div(title, className="notice-title"),
        html.Div(reason, className="notice-reason"),
        *more,
    ]
    return html.Div(parts, className=f"notice notice-{kind}")


def _signed(value: text.Number | None, written: str, *, arrow: bool) -> Component:
    if written == text.DASH:
        return unknown()
    # The colour follows what is written, so that an amount that rounds to 0.00 is neither won nor lost.
    tone = "profit" if written.startswith("+") else "loss" if written.startswith(text.MINUS) else "flat"
    mark = [html.Span(className="arrow", **_HIDDEN)] if arrow and tone != "flat" else []
    return html.Span([*mark, written], className=f"number signed {tone}")


def _time(at: datetime | None, kind: str) -> Component:
    if at is None:
        return unknown("never")
    iso = at.isoformat().replace("+00:00", "Z")
    return html.Time(f"{at:%H:%M:%S}", dateTime=iso, className=f"time time-{kind}")


def _light_cell(item: Light) -> Component:
    return html.Div(
        [
            html.Div([icon(item.icon), html.Span(item.name)], className="light-name"),
            light(item.state, item.word),
            html.Div(item.detail, className="light-detail"),
        ],
        className=f"light-cell light-cell-{item.state}",
        role="listitem",
    )


def _feed_line(item: FeedItem) -> Component:
    parts = [
        event_time(item.at),
        chip(item.kind, item.tone),
        html.Span(item.said, className="feed-said"),
        html.Span(item.aside, className="feed-aside"),
    ]
    return html.Li(parts, className="feed-line")


def _path(values: Sequence[float]) -> str:
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    step = 90 / (len(values) - 1)
    return "M" + "L".join(f"{1 + i * step:.1f} {28 - (v - low) / span * 26:.1f}" for i, v in enumerate(values))
