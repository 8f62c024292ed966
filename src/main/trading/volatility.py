"""How wild is the market right now? Moves of one tick, and the regime they make, from the mids alone."""

import math
from collections.abc import Mapping

from main.domain.market import Book

FAST = 0.94
"""Weight of the past in the volatility of now (RiskMetrics' daily λ, here per tick: a memory of about 17 ticks)."""

SLOW = 0.998
"""The same for what is usual (about 500 ticks)."""

LEARNING = 20
"""Ticks before anything is said."""

CHOPPY, STRESSED = 1.4, 2.2
"""From which multiple of the usual volatility on a regime is called so."""

RETURN = 0.85
"""A regime is left downwards only below this share of its threshold, so that its name does not flicker."""


class Volatility:
    """Exponentially weighted volatility by symbol, and the regime of all of them together."""

    def __init__(self) -> None:
        self.by_symbol: dict[str, float] = {}  # standard deviation of one tick's log-return
        self.regime: str | None = None
        self._mids: dict[str, float] = {}
        self._fast: dict[str, float] = {}
        self._slow: dict[str, float] = {}
        self._seen: dict[str, int] = {}

    def see(self, books: Mapping[str, Book]) -> None:
        """Take in one tick."""
        for symbol, book in books.items():
            mid = float(book.mid)
            last = self._mids.get(symbol)
            self._mids[symbol] = mid
            if last is not None:
                self._learn(symbol, math.log(mid / last) ** 2)
        self.regime = self._name()

    def _learn(self, symbol: str, squared: float) -> None:
        seen = self._seen[symbol] = self._seen.get(symbol, 0) + 1
        for memory, weight in ((self._fast, FAST), (self._slow, SLOW)):
            # A plain mean while there are few values, so that the first of them does not count for ever.
            past = min(weight, 1 - 1 / seen)
            memory[symbol] = past * memory.get(symbol, 0.0) + (1 - past) * squared
        if seen >= LEARNING:
            self.by_symbol[symbol] = math.sqrt(self._fast[symbol])

    def _name(self) -> str | None:
        known = [symbol for symbol in self.by_symbol if self._slow[symbol] > 0]
        if not known:
            return None
        excess = sum(math.sqrt(self._fast[symbol] / self._slow[symbol]) for symbol in known) / len(known)
        stressed = STRESSED * (RETURN if self.regime == "stressed" else 1)
        choppy = CHOPPY * (RETURN if self.regime in {"choppy", "stressed"} else 1)
        return "stressed" if excess >= stressed else "choppy" if excess >= choppy else "calm"
