"""Why is there nothing to show? What an empty panel says, from what the bots say of themselves."""

from collections.abc import Sequence

from main import text
from main.domain.scope import Scope
from main.monitoring.reads.bots import BotState


def nothing_because(bots: Sequence[BotState] | None, scope: Scope, *, running: str) -> str:
    """Return why nothing was recorded and what to do; `running` ends the sentence "The bot has run for 2 m 10 s; …"."""
    if not scope.live:
        return "None is recorded for the moment this page looks at. Choose another, or go back to live."
    if not scope.accounts:
        return "There is no account yet. Start a bot with: python ai_trader.py trade"
    if not bots:
        return "What the bot does is not known at the moment."
    heard = [bot for bot in bots if bot.status is not None]
    if not heard:
        return f"{_names(bots)} never sent a heartbeat. Start its bot with: python ai_trader.py trade"
    alive = [bot for bot in heard if bot.condition in ("ok", "degraded")]
    if not alive:
        return f"{_names(heard)} is not running: look at System, Health."
    longest = max(alive, key=lambda bot: bot.uptime_seconds or 0)
    return f"The bot has run for {text.duration(longest.uptime_seconds)}; {running}"


def _names(bots: Sequence[BotState]) -> str:
    return bots[0].label if len(bots) == 1 else f"{bots[0].label} (and {len(bots) - 1} more)"
