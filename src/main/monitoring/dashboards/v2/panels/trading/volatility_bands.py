"""Volatility bands: how nervous is every symbol now, and which band is that?"""

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, figures, reasons
from main.monitoring.dashboards.v2.figures import CategoryBar
from main.monitoring.dashboards.v2.panel import Answers, Panel, Picture
from main.monitoring.reads import bots, volatility
from main.monitoring.reads.volatility import SymbolVolatility, VolatilityReport

_MOST = 10  # bars that the panel's height holds
_TONES = {"low": "seq-4", "normal": "seq-5", "elevated": "warn-3", "high": "warn-4"}


def draw(answers: Answers, scope: Scope) -> Component | Picture:
    report = answers[volatility.READ].value
    known = _known(report)
    if report is None or not known:
        least = next((each.volatility.reason for each in report.symbols), None) if report else None
        return reasons.nothing(
            answers,
            scope,
            "No volatility yet",
            f"no symbol has enough prices: {least or 'none is recorded'}.",
            icon_name="activity",
        )
    several = len({each.source for each in known}) > 1
    return Picture(_heading(report), figures.category_bars([_bar(each, several) for each in known[:_MOST]]))


def caption(answers: Answers, scope: Scope) -> str:
    report = answers[volatility.READ].value
    known, count = len(_known(report)), len(report.symbols) if report else 0
    missing = [f"{count - known} with too few prices"] if known < count else []
    left_out = [f"highest {_MOST} of {known}"] if known > _MOST else []
    limits = "/".join(f"{limit * 100:.0f}" for limit in report.bands) if report else ""
    return " · ".join(["% a year, now", *([f"bands {limits}"] if limits else []), *left_out, *missing])


def _known(report: VolatilityReport | None) -> list[SymbolVolatility]:
    rows = [each for each in report.symbols if each.volatility.value is not None] if report else []
    return sorted(rows, key=lambda each: (-(each.volatility.value or 0.0), each.symbol))


def _heading(report: VolatilityReport) -> Component:
    counts = [f"{report.in_band(band)} {band}" for band in _TONES]
    return components.reading("", detail=" · ".join(counts))


def _bar(each: SymbolVolatility, several: bool) -> CategoryBar:
    label = f"{each.symbol} · {each.source}" if several else each.symbol
    written = f"{text.percent(each.volatility.value, 1)} {each.band}"
    width = text.duration(each.close_seconds)
    return CategoryBar(
        label,
        each.volatility.value,
        written,
        _TONES[each.band or "low"],
        f"{label} {written}<br>{each.closes} closes, one every {width}",
    )


PANEL = Panel(
    "volatility_bands",
    "Volatility bands",
    page="Market",
    reads=(volatility.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=6,
    order=50,
    height=300,
    kind="figure",
)
