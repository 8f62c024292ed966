"""Market hours and regime: which exchanges are open and until when, and what do the bots make of the market?"""

from collections.abc import Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, reasons
from main.monitoring.dashboards.v2.components import LightState
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.reads import bots, market_hours
from main.monitoring.reads.bots import BotState
from main.monitoring.reads.market_hours import MarketHours

_WORDS: dict[str, tuple[LightState, str]] = {
    "open": ("ok", "Open"),
    "break": ("late", "Break"),
    "closed": ("unknown", "Closed"),
    "unknown": ("unknown", "Not known"),
}


def draw(answers: Answers, scope: Scope) -> Component:
    hours = answers[market_hours.READ].value or []
    told = answers[bots.READ].value or []
    if not hours and not any(bot.regime for bot in told):
        running = "its instruments are not described yet."
        return reasons.nothing(answers, scope, "No market yet", running, icon_name="clock")
    return components.kpi_band([*(_exchange(each) for each in hours), _regime(told), _risk(told)])


def _exchange(hours: MarketHours) -> Component:
    state, word = _WORDS[hours.state]
    count = f"{hours.symbols:,} symbol{'' if hours.symbols == 1 else 's'}"
    name = "Round the clock" if hours.calendar == "24/7" else hours.calendar
    line = None if hours.passed is None else _session(hours.state, hours.passed)
    return components.kpi(f"{name} · {count}", components.light(state, word), detail=_detail(hours), aside=line)


def _session(state: str, passed: float) -> Component:
    """The time from the last opening or closing to the next, and where in it one is."""
    here = html.Span(className="session-now", style={"left": f"{min(max(passed, 0.0), 1.0) * 100:.1f}%"})
    word = "Session" if state == "open" else _WORDS[state][1]
    said: dict[str, Any] = {"aria-label": f"{text.percent(passed, 0)} of it has passed"}
    return html.Span([word, here], className=f"session session-{state}", role="img", **said)


def _detail(hours: MarketHours) -> components.Child:
    if hours.state == "unknown":
        return hours.reason
    if hours.until is None:
        return "never closes" if hours.state == "open" else "opens at a time that is not known"
    verb = {"open": "closes", "break": "goes on", "closed": "opens"}[hours.state]
    return [f"{verb} ", components.moment(hours.until)]


def _regime(told: Sequence[BotState]) -> Component:
    known = [bot for bot in told if bot.regime]
    if not known:
        why = "no bot says in which regime the market is"
        return components.kpi("Regime", components.unknown(why), detail=why)
    regimes = list(dict.fromkeys(bot.regime or "" for bot in known))
    if len(regimes) == 1:
        return components.kpi("Regime", regimes[0].capitalize(), detail=_whose(known))
    counts = ", ".join(f"{name} {sum(bot.regime == name for bot in known)}" for name in regimes)
    return components.kpi("Regime", "Mixed", detail=counts)


def _risk(told: Sequence[BotState]) -> Component:
    known = [(bot.risk_factor, bot) for bot in told if bot.risk_factor is not None]
    if not known:
        why = "no bot tells of a risk factor"
        return components.kpi("Risk factor", components.unknown(why), detail=why)
    least, bot = min(known, key=lambda pair: pair[0])
    unit = bot.label if len(known) > 1 else ""
    return components.kpi("Risk factor", text.ratio(least), unit=unit, detail=bot.risk_reason or "the usual size is 1")


def _whose(known: Sequence[BotState]) -> str:
    return f"says {known[0].label}" if len(known) == 1 else f"say all {len(known)} bots"


PANEL = Panel(
    "market_hours",
    "Market hours and regime",
    page="Trading",
    reads=(market_hours.READ, bots.READ),
    draw=draw,
    width=12,
    order=10,
    kind="flush",
    skeleton="band",
)
