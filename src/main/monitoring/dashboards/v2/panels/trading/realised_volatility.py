"""Realised volatility: how nervous was a symbol through the window?"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, figures, reasons
from main.monitoring.dashboards.v2.figures import Curve
from main.monitoring.dashboards.v2.panel import Answers, Chosen, Panel, Picture
from main.monitoring.dashboards.v2.symbols import SYMBOL, chosen_symbol, offered_symbols
from main.monitoring.dashboards.v2.volatility_marks import band_levels
from main.monitoring.read import Read
from main.monitoring.reads import bots, market_current, volatility
from main.monitoring.reads.volatility import RECENT, SymbolVolatility, VolatilityParams, VolatilityReport


def params(chosen: Chosen) -> Mapping[Read[Any], Hashable]:
    return {volatility.READ: VolatilityParams(symbol=chosen_symbol(chosen))}


def draw(answers: Answers, scope: Scope) -> Component | Picture:
    report = answers[volatility.READ].value
    if not report or len(report.points) < 2:
        running = "30 moves of its prices are needed: choose a longer range."
        return reasons.nothing(
            answers, scope, "Too few prices in this range", running, icon_name="chart-line", ranged=True
        )
    values = [point.volatility for point in report.points]
    figure = figures.lines(
        [point.at for point in report.points],
        [Curve("Volatility", values, "accent")],
        write=_percent,
        ticks=lambda ticks: [text.percent(tick, 0).removesuffix("%") for tick in ticks],
        levels=band_levels(report.bands, max(values)),
        low=0.0,
    )
    return Picture(_heading(report), figure)


def caption(answers: Answers, scope: Scope) -> str:
    return "% a year"


def offers(answers: Answers, scope: Scope) -> Mapping[str, Sequence[str]]:
    report = answers[volatility.READ].value
    return offered_symbols(answers, report.symbol if report else None)


def _heading(report: VolatilityReport) -> Component:
    now = _present(report)
    window = report.window.value if report.window else None
    detail = f"{_percent(window)} over the range"
    if now is None or now.volatility.value is None:
        reason = (now.volatility.reason if now else None) or "its present volatility is not known"
        return components.reading(components.unknown(reason), unit="now", detail=detail)
    return components.reading(
        _percent(now.volatility.value), unit=f"% over {_days(now)} days · {now.band}", detail=detail
    )


def _present(report: VolatilityReport) -> SymbolVolatility | None:
    return next(
        (each for each in report.symbols if each.symbol == report.symbol and each.source == report.source), None
    )


def _days(now: SymbolVolatility) -> int:
    """Return of how long its closes are: the line's end is of the last moves only, and another figure."""
    return next(length.days for width, length in RECENT.values() if width.total_seconds() == now.close_seconds)


def _percent(fraction: float | None) -> str:
    return text.percent(fraction, 1).removesuffix("%")


PANEL = Panel(
    "realised_volatility",
    "Realised volatility",
    page="Trading",
    reads=(volatility.READ, market_current.READ, bots.READ),
    draw=draw,
    caption=caption,
    options=(SYMBOL,),
    params=params,
    offers=offers,
    width=4,
    order=70,
    height=240,
    kind="figure",
)
