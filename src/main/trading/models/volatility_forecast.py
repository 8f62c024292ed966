"""How far will prices move in the next hours? An exponentially weighted forecast of realised volatility.

At every turn of its clock (multiples of its horizon in UTC) it expects the standard deviation of the log-return over
the horizon to come: √(λ-weighted mean of the squared moves of past horizons). What came is √Σ r² over the ticks of the
horizon. Without the model one would expect what the last horizon brought.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from main.domain.market import Tick
from main.trading.models.model import Expected, Turned

NAME = "volatility-ewma"

DECAY = 0.86
"""Weight of the past at each turn: a memory of about seven horizons, two days."""

HORIZON = timedelta(hours=6)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class VolatilityForecast:
    """Forecasts every symbol that has a book."""

    name = NAME
    version = "1"
    kind = "forecast"
    unit = "volatility"
    horizon_seconds = int(HORIZON.total_seconds())

    def __init__(self) -> None:
        self._turn = 0
        self._whole = False  # whether the horizon that goes on was seen from its beginning
        self._mids: dict[str, float] = {}
        self._moved: dict[str, float] = {}  # Σ r² of the horizon that goes on
        self._usual: dict[str, float] = {}  # λ-weighted Σ r² of past ones

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The decay of a turn."""
        return {"decay": DECAY}

    def turn(self, tick: Tick) -> Turned | None:
        """Take in a tick; the first one of a new horizon gives forecasts and outcomes."""
        for symbol, book in tick.books.items():
            mid = float(book.mid)
            last = self._mids.get(symbol)
            self._mids[symbol] = mid
            if last is not None:
                self._moved[symbol] = self._moved.get(symbol, 0.0) + math.log(mid / last) ** 2
        turn = (tick.at - _EPOCH) // HORIZON
        if turn == self._turn:
            return None
        adjacent, self._turn = turn == self._turn + 1, turn
        moved, self._moved = self._moved, {}
        # After a pause neither the horizon that ended nor the one that goes on was seen as a whole.
        whole, self._whole = self._whole and adjacent, adjacent or tick.at == _EPOCH + turn * HORIZON
        if not whole:
            return Turned(tick.at, {}, {})
        for symbol, squared in moved.items():
            usual = self._usual.get(symbol)
            self._usual[symbol] = squared if usual is None else DECAY * usual + (1 - DECAY) * squared
        outcomes = {symbol: math.sqrt(squared) for symbol, squared in moved.items()}
        expected = {
            symbol: Expected(math.sqrt(usual), baseline=outcomes[symbol])
            for symbol, usual in self._usual.items()
            if symbol in outcomes
        }
        return Turned(tick.at, expected, outcomes)
