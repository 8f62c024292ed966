"""What has the trading day brought so far? Its counters, from fills, trades and books."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext

from main.domain.events import Account, DailyStats, Fill, Trade
from main.domain.lots import EXACT
from main.domain.market import Book
from main.domain.scope import trading_date, trading_day
from main.trading.risk import LOSS_LIMIT, RiskRules

_ONE = Decimal(1)
_ZERO = Decimal(0)
_SPREAD_DIGITS = Decimal("0.0001")


class TradingDay:
    """The account's trading day that `at` of the last turn fell in."""

    def __init__(self, account: Account, at: datetime, unrealized_before: Decimal = _ZERO) -> None:
        """Begin with the day of `at`; `unrealized_before` is the unrealised P&L at the close of the day before."""
        self._account = account
        self._begin(trading_day(at, account.zone, account.roll_over), unrealized_before)

    def _begin(self, start: datetime, unrealized_before: Decimal) -> None:
        self.start = start
        self.unrealized_before = unrealized_before
        self.net_realized = _ZERO
        self.fees = _ZERO
        self.volume = _ZERO
        self.trades = 0
        self.most: Decimal | None = None  # largest and smallest signed market value of a symbol
        self.least: Decimal | None = None
        self._spreads = _ZERO
        self._spreads_seen = 0

    @property
    def day(self) -> date:
        """The date that names the day."""
        return trading_date(self.start, self._account.zone, self._account.roll_over)

    def turn(self, at: datetime, unrealized: Decimal) -> bool:
        """Begin a new day when `at` lies in one, and tell whether it did. The old one closed with `unrealized`."""
        if at - self.start < timedelta(hours=23):  # no day is shorter
            return False
        start = trading_day(at, self._account.zone, self._account.roll_over)
        if start == self.start:
            return False
        self._begin(start, unrealized)
        return True

    def book(self, fill: Fill, trades: tuple[Trade, ...], rate: Decimal = _ONE) -> None:
        """Count a fill of this day, new to the books, and the trades it closed; earlier ones are left out.

        `rate` is account currency per unit of the fill's.
        """
        if fill.at < self.start:
            return
        self.trades += len(trades)
        with localcontext(EXACT):
            self.fees += fill.fee
            self.volume += fill.quantity * fill.price * fill.multiplier * rate
            self.net_realized += sum((trade.realized_pnl for trade in trades), _ZERO)

    def take_over_counts(self, stats: DailyStats) -> None:
        """Count from `stats` on, which follow from all facts of this day."""
        assert stats.realized_pnl is not None
        assert stats.fees is not None
        assert stats.volume is not None
        self.net_realized, self.fees, self.volume = stats.realized_pnl, stats.fees, stats.volume
        self.trades = stats.trades or 0

    def see(self, books: Mapping[str, Book], values: Mapping[str, Decimal]) -> None:
        """Take in the spreads of a tick and the signed market values held."""
        self.take_over_spreads(sum((book.spread_bps for book in books.values()), _ZERO), len(books))
        for value in values.values():
            self.take_over_extremes(value, value)

    def take_over_spreads(self, total: Decimal, count: int) -> None:
        """Add spreads in bps, seen by this run or an earlier one: their sum and how many they are."""
        self._spreads += total
        self._spreads_seen += count

    def take_over_extremes(self, most: Decimal | None, least: Decimal | None) -> None:
        """Widen the largest and smallest position of the day."""
        if most is not None:
            self.most = most if self.most is None else max(self.most, most)
        if least is not None:
            self.least = least if self.least is None else min(self.least, least)

    def result(self, unrealized: Decimal) -> Decimal:
        """Return net realised P&L of the day plus the change of unrealised P&L within it."""
        with localcontext(EXACT):
            return self.net_realized + unrealized - self.unrealized_before

    def statistics(self, at: datetime, unrealized: Decimal, risk: RiskRules) -> DailyStats:
        """Return the row of the day as it is now. Positions are signed market values, in account currency."""
        spread = (self._spreads / self._spreads_seen).quantize(_SPREAD_DIGITS) if self._spreads_seen else None
        level = risk.trailing_level
        return DailyStats(
            at=at,
            account=self._account.account,
            day=self.day,
            realized_pnl=self.net_realized,
            unrealized_pnl=unrealized,
            trades=self.trades,
            volume=self.volume,
            fees=self.fees,
            protected_profit=level or _ZERO,
            loss_used=risk.loss_used,
            loss_limit=risk.limits.daily_loss,
            limit_hit=risk.block is not None and risk.block.kind == LOSS_LIMIT,
            trading_blocked=risk.block is not None,
            trailing_active=risk.trailing_active,
            trailing_level=level,
            average_spread_bps=spread,
            max_position=self.most,
            min_position=self.least,
        )
