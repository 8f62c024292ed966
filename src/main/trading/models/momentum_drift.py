"""What will a symbol return by the next close? The daily drift of its 126-day momentum.

(1 + P[t]/P[t−126] − 1)^(1/126) − 1 at every close of the trading day; what came is the return to the next close.
Symbols with a shorter history are not expected anything of.
"""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from main.analytics.momentum import DAYS, momentum
from main.domain.market import Tick
from main.trading.daily_closes import DailyCloses
from main.trading.models.model import Expected, Turned

NAME = "momentum-126"
VERSION = "1"


class MomentumDrift:
    """Expects of every symbol with 127 closes that it goes on as it did."""

    name = NAME
    version = VERSION
    kind = "momentum"
    unit = "return"
    horizon_seconds = int(timedelta(days=1).total_seconds())

    def __init__(self, closes: DailyCloses) -> None:
        """Take the closes of a trading day, which others must not feed: this model does."""
        self._closes = closes
        self._known = closes.by_symbol

    @property
    def parameters(self) -> Mapping[str, Any]:
        """How many closes it looks back."""
        return {"days": DAYS}

    def turn(self, tick: Tick) -> Turned | None:
        """Take in a tick; the first one of a trading day tells what is expected of it."""
        first = self._closes.day is None
        self._closes.see(tick)
        closes = self._closes.by_symbol
        if closes is self._known:
            return None
        known, self._known = self._known, closes
        if first:  # begun in the middle of a day: what it will bring is not a whole day's return
            return None
        outcomes = {
            symbol: float(each[-1] / each[-2] - 1)
            for symbol, each in closes.items()
            if len(each) > 1 and each != known.get(symbol)  # it had a price on the day that ended
        }
        expected = {
            symbol: Expected(float(1 + gained) ** (1 / DAYS) - 1)
            for symbol, each in closes.items()
            if (gained := momentum(each)) is not None and gained > Decimal(-1)
        }
        return Turned(tick.at, expected, outcomes)
