"""Which symbol is a panel about: its option, and the names that the market has."""

from collections.abc import Sequence

from main.monitoring.dashboards.v2.panel import Answers, Chosen, Option
from main.monitoring.reads import market_current

SYMBOL = Option("symbol", "Symbol", shared=True)


def chosen_symbol(chosen: Chosen) -> str | None:
    """Return the symbol that was chosen; ``None`` asks a read for the first one that it has anything of."""
    return chosen[SYMBOL.name] or None


def offered_symbols(answers: Answers, shown: str | None) -> dict[str, Sequence[str]]:
    """Return the names to choose from, first the one that is `shown` where nothing was chosen.

    The panel must ask `market_current`, which the watch list asks too: it costs nothing more.
    """
    names = dict.fromkeys(row.symbol for row in answers[market_current.READ].value or [])
    first = [shown] if shown and not answers.chosen[SYMBOL.name] else []
    return {SYMBOL.name: list(dict.fromkeys([*first, *names]))}
