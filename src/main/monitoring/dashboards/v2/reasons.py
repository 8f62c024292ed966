"""Why is there nothing to show, and what can be done? What an empty panel says, from what the bots tell."""

from collections.abc import Sequence

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components
from main.monitoring.dashboards.v2.panel import Answers
from main.monitoring.reads import bots
from main.monitoring.reads.bots import BotState

_LONGER = {"1D": "1W", "1W": "1M", "1M": "3M", "3M": "1Y", "YTD": "1Y", "1Y": "All"}
"""The range that is offered where one had nothing."""


def nothing(
    answers: Answers, scope: Scope, title: str, running: str, *, icon_name: str = "inbox", ranged: bool = False
) -> Component:
    """Return the empty state of a panel that asks `bots`; a `ranged` one may have something in a longer range.

    `running` ends the sentence "The bot has run for 2 m 10 s; …". The button does what helps, where a page can do it.
    """
    told = answers[bots.READ].value
    reason = nothing_because(told, scope, running=running)
    return components.empty(title, reason, icon_name=icon_name, way_out=_way_out(told, scope, ranged=ranged))


def nothing_because(told: Sequence[BotState] | None, scope: Scope, *, running: str) -> str:
    """Return why nothing was recorded and what to do; `running` ends the sentence "The bot has run for 2 m 10 s; …"."""
    if not scope.live:
        return "None is recorded for the moment this page looks at. Choose another, or go back to live."
    if not scope.accounts:
        return "There is no account yet. Start a bot with: python ai_trader.py trade"
    if not told:
        return "What the bot does is not known at the moment."
    heard = [bot for bot in told if bot.status is not None]
    if not heard:
        return f"{_names(told)} never sent a heartbeat. Start its bot with: python ai_trader.py trade"
    alive = _alive(heard)
    if not alive:
        return f"{_names(heard)} is not running: look at System, Health."
    longest = max(alive, key=lambda bot: bot.uptime_seconds or 0)
    return f"The bot has run for {text.duration(longest.uptime_seconds)}; {running}"


def longer_range(scope: Scope) -> Component | None:
    """Return the button that shows more, for `components.empty`; ``None`` where there is no longer range."""
    longer = _LONGER.get(scope.window)
    return components.button(f"Show {longer}", "range", longer) if longer else None


def _way_out(told: Sequence[BotState] | None, scope: Scope, *, ranged: bool) -> Component | None:
    if not scope.live:
        return components.button("Back to live", "live")
    # One that has stopped traded before, one that was never heard of did not.
    heard = any(bot.status is not None for bot in told or ())
    return longer_range(scope) if ranged and scope.accounts and heard else None


def _alive(told: Sequence[BotState]) -> list[BotState]:
    return [bot for bot in told if bot.condition in ("ok", "degraded")]


def _names(told: Sequence[BotState]) -> str:
    return told[0].label if len(told) == 1 else f"{told[0].label} (and {len(told) - 1} more)"
