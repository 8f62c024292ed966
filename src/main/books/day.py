"""What has a trading day brought, by the facts alone?"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext

from main.domain.events import Account, DailyStats, Fill, Trade
from main.domain.lots import EXACT
from main.domain.scope import trading_date, trading_day

_ZERO = Decimal(0)


class Day:
    """Counts one trading day of an account after the other."""

    def __init__(self, account: Account, start: datetime, unrealized_before: Decimal = _ZERO) -> None:
        """Begin the day that starts at `start`; the one before closed with `unrealized_before`."""
        self._account = account
        self._begin(start, unrealized_before)

    def _begin(self, start: datetime, unrealized_before: Decimal) -> None:
        self.start = start
        self.end = trading_day(start + timedelta(hours=30), self._account.zone, self._account.roll_over)
        self.unrealized_before = unrealized_before
        self._net = self._fees = self._volume = _ZERO
        self._trades = 0
        self._most: Decimal | None = None
        self._least: Decimal | None = None
        self._limit_hit = False

    @property
    def date(self) -> date:
        """The date that names the day."""
        return trading_date(self.start, self._account.zone, self._account.roll_over)

    def turn(self, at: datetime, unrealized: Decimal) -> None:
        """Begin the day that `at` lies in; the last one closed with `unrealized`."""
        self._begin(trading_day(at, self._account.zone, self._account.roll_over), unrealized)

    def book(self, fill: Fill, trades: Iterable[Trade], rate: Decimal) -> None:
        """Count a fill and the trades it closed; `rate` is account currency per unit of the fill's."""
        with localcontext(EXACT):
            self._fees += fill.fee
            self._volume += fill.quantity * fill.price * fill.multiplier * rate
            for trade in trades:
                self._trades += 1
                self._net += trade.realized_pnl

    def look(self, at: datetime, unrealized: Decimal, values: Iterable[Decimal]) -> DailyStats:
        """Return the day as it is at `at`, with the market values held, signed."""
        for value in values:
            self._most = value if self._most is None else max(self._most, value)
            self._least = value if self._least is None else min(self._least, value)
        with localcontext(EXACT):
            used = max(_ZERO, self.unrealized_before - self._net - unrealized)
        self._limit_hit = self._limit_hit or used >= self._account.daily_loss_limit
        return DailyStats(
            at=at,
            account=self._account.account,
            day=self.date,
            realized_pnl=self._net,
            unrealized_pnl=unrealized,
            trades=self._trades,
            volume=self._volume,
            fees=self._fees,
            loss_used=used,
            loss_limit=self._account.daily_loss_limit,
            limit_hit=self._limit_hit,
            max_position=self._most,
            min_position=self._least,
        )
