"""What follows from the facts of an account? Trades, positions, days and equity, by a pure fold in order of time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from main.books.day import Day
from main.books.facts import Extremes, Facts, Mark
from main.books.timeline import Kind, Look, Step, steps
from main.domain.events import Account, CashFlow, DailyStats, Equity, Fill, FxRate, Instrument, Position, Trade
from main.domain.ledger import Ledger, latest
from main.domain.scope import trading_day

LATE_PRICES = timedelta(minutes=10)
"""How old a price may be when it arrives and still be noticed."""

LATE_RATES = timedelta(days=1)
"""For how long rates that are told twice are known to be; older ones cause a rebuild, which changes nothing."""

OBSERVED_EVERY = timedelta(seconds=5)
"""How often the suite observes the equity of an account whose books it keeps, at most."""

_EPOCH = datetime.fromisoformat("2000-01-03T00:00:00+00:00")
_MICROSECOND = timedelta(microseconds=1)
_ONE = Decimal(1)

VersionKey = tuple[str, datetime]
"""position_id and the moment from which the version holds."""


@dataclass(slots=True)
class Books:
    """What was derived. ``versions`` are all states that a position went through, and one a minute of mere marks.

    ``looked`` are the states of positions at the moments they were asked for, ``None`` before the first fill.
    """

    ledger: Ledger
    trades: list[Trade] = field(default_factory=list)
    versions: dict[VersionKey, Position] = field(default_factory=dict)
    marked: set[VersionKey] = field(default_factory=set)  # versions that differ from the one before in the mark alone
    looked: dict[VersionKey, Position | None] = field(default_factory=dict)
    equity: dict[datetime, Equity] = field(default_factory=dict)
    days: dict[date, DailyStats] = field(default_factory=dict)
    closed: dict[str, Position] = field(default_factory=dict)

    @property
    def positions(self) -> dict[str, Position]:
        """Every position, closed ones too, as it is at the end, by its id."""
        return self.closed | {each.position_id: each for each in self.ledger.positions}

    def add(self, later: "Books") -> None:
        """Take in what followed from the next stretch of time."""
        self.trades += later.trades
        self.versions |= later.versions
        self.marked |= later.marked
        self.looked |= later.looked
        self.equity |= later.equity
        self.days |= later.days
        self.closed |= later.closed


class Folding:
    """The books of one account on their way through time: what comes is booked, what follows is told."""

    def __init__(self, account: Account, instruments: Sequence[Instrument], *, minutes: bool = True) -> None:
        """Open empty books. Without `minutes` no versions of positions are made that differ in their mark alone."""
        self.account = account
        self.ledger = Ledger(
            account.account, account.source, instruments, currency=account.currency, matching=account.lot_matching
        )
        self.until: datetime | None = None  # everything up to here is booked
        self.waiting: tuple[Fill | CashFlow, ...] = ()  # facts that lie after it
        self.prices: dict[tuple[str, datetime], Decimal] = {}  # folded, of the last `LATE_PRICES`
        self.described = frozenset(each.symbol for each in instruments)
        self._currencies = {each.symbol: each.currency for each in instruments}
        self._rates: dict[str, Decimal] = {}
        self._seen_rates: dict[tuple[str, str, datetime], int] = {}
        self.symbols: set[str] = set()  # whatever was traded
        self._day: Day | None = None
        self._keeps_minutes = minutes
        self._minutes: dict[str, datetime] = {}  # of each symbol's newest version
        self._closed: dict[str, Position] = {}  # as far as anybody may ask for them
        self._due: set[datetime] = set()  # observations that are still to come
        self._books = Books(self.ledger)

    @property
    def day(self) -> Day | None:
        """The trading day that `until` lies in; ``None`` before anything happened."""
        return self._day

    def knows_rate(self, rate: FxRate) -> bool:
        """Whether a rate, or a correction of it, is booked or makes no difference to this account."""
        return (
            not self.ledger.needs(rate) or self._seen_rates.get((rate.source, rate.base, rate.at), -1) >= rate.revision
        )

    def absorb(self, facts: Facts, marks: Iterable[Mark], until: datetime, unrealized_before: Decimal) -> None:
        """Book what happened before `until`, the start of a trading day, without telling what follows from it.

        `marks` need to be the newest of each symbol only; `widen` tells the rest. The day before closed with
        `unrealized_before`.
        """
        for step in steps(_before(facts, until), marks, (), self.ledger):
            if step.kind is Kind.FILL:
                self._trade(step.what)
                self.ledger.absorb(step.what)
            else:
                self._book_other(step)
        self.until = until - _MICROSECOND
        self._day = Day(self.account, until, unrealized_before)

    def widen(self, extremes: Iterable[Extremes]) -> None:
        """Tell open lots what they saw while only the newest marks were folded."""
        for each in extremes:
            self.ledger.widen(each.symbol, each.entry, each.low, each.high)

    def advance(
        self, facts: Facts, marks: Iterable[Mark], until: datetime, looks: Sequence[Look] = (), *, observe: bool = True
    ) -> Books:
        """Book everything after the last advance and up to `until`, and return what followed from it.

        Equity is observed at `looks`, and with `observe` also as the suite does it, see `observed_at`. Facts that are
        booked are passed over. Raise `RecordRejected` for facts that come too late: fold anew.
        """
        self._books = books = Books(self.ledger)
        if not looks:
            self._closed.clear()  # nobody asks
        for step in steps(self._new(facts, until), marks, looks, self.ledger):
            self._look_before(step.at)
            if self._day is None:
                self._day = Day(self.account, trading_day(step.at, self.account.zone, self.account.roll_over))
            if step.at >= self._day.end:
                self._day.turn(step.at, self.ledger.unrealized)
            self._take(step)
            if observe and self._matters(step):
                self._due.add(self.observed_at(step.at))
        self._look_before(until + _MICROSECOND)
        self.until = until
        self.prices = {key: price for key, price in self.prices.items() if key[1] > until - LATE_PRICES}
        self._seen_rates = {key: known for key, known in self._seen_rates.items() if key[2] > until - LATE_RATES}
        return books

    def observed_at(self, at: datetime) -> datetime:
        """Return when the suite looks at the account after something happened at `at`.

        At the next full five seconds, so that any batching of the facts gives the same observations; never in the next
        trading day; in a replay's own time at once, for its clock stands still between two bars.
        """
        if self.account.clock == "replay":
            return at
        look = at + (_EPOCH - at) % OBSERVED_EVERY
        start = trading_day(look, self.account.zone, self.account.roll_over)
        return start - _MICROSECOND if at < start else look

    def _new(self, facts: Facts, until: datetime) -> Facts:
        told: tuple[Fill | CashFlow, ...] = (*latest(facts.fills), *latest(facts.flows))
        self.waiting = tuple(each for each in told if each.at > until)
        new = _upto(facts, until)
        return replace(new, rates=[rate for rate in new.rates if self.until is None or rate.at > self.until])

    def _look_before(self, moment: datetime) -> None:
        for at in sorted(at for at in self._due if at < moment):
            self._due.remove(at)
            self._look(Look(at))

    def _matters(self, step: Step) -> bool:
        """Whether the suite looks at the account after this: prices of what was never traded change nothing."""
        if step.kind is Kind.MARK:
            return step.what.symbol in self.symbols
        if step.kind is Kind.RATE:
            return step.what.base in {self._currencies.get(symbol) for symbol in self.symbols}
        return step.kind is not Kind.LOOK

    def _take(self, step: Step) -> None:
        if step.kind is Kind.FILL:
            self._fill(step.what)
        elif step.kind is Kind.LOOK:
            self._look(step.what)
        else:
            self._book_other(step)
            if step.kind is Kind.MARK and self._keeps_minutes:
                self._keep_mark(step.what)

    def _book_other(self, step: Step) -> None:
        what = step.what
        if step.kind is Kind.FLOW:
            self.ledger.credit(what)
        elif step.kind is Kind.RATE:
            self._seen_rates[what.source, what.base, what.at] = what.revision
            self._rates[what.base] = what.rate
            self.ledger.convert(what.base, what.rate, what.at)
        else:
            self.prices[what.symbol, what.at] = what.price
            self.ledger.mark(what.symbol, what.price, what.at)

    def _fill(self, fill: Fill) -> None:
        self._trade(fill)
        change = self.ledger.apply(fill)
        self._books.trades += change.trades
        for position in change.positions:
            self._keep(position, fill.at)
        if self._day is not None and fill.quantity:
            self._day.book(fill, change.trades, self._rate(fill.symbol))

    def _trade(self, fill: Fill) -> None:
        if fill.quantity:
            self.symbols.add(fill.symbol)

    def _keep(self, position: Position, at: datetime) -> None:
        key = position.position_id, at
        self._books.versions[key] = position
        self._books.marked.discard(key)
        self._minutes[position.symbol] = _minute(at)
        if position.is_active:
            self._books.closed.pop(position.position_id, None)
        else:
            self._books.closed[position.position_id] = self._closed[position.position_id] = position

    def _keep_mark(self, mark: Mark) -> None:
        if self._minutes.get(mark.symbol) == _minute(mark.at) or not self.ledger.quantity(mark.symbol):
            return
        self._minutes[mark.symbol] = _minute(mark.at)
        for position in self.ledger.positions:
            if position.symbol == mark.symbol:
                key = position.position_id, mark.at
                self._books.versions[key] = position
                self._books.marked.add(key)

    def _look(self, look: Look) -> None:
        if look.position_id is not None:
            held = {each.position_id: each for each in self.ledger.positions}
            state = held.get(look.position_id) or self._closed.get(look.position_id)
            self._books.looked[look.position_id, look.at] = state
        if not look.equity:
            return
        equity = self.ledger.equity(look.at)
        self._books.equity[look.at] = equity
        if self._day is not None and equity.unrealized_pnl is not None:
            values = [self.ledger.value(symbol) for symbol in self.symbols]
            row = self._day.look(look.at, equity.unrealized_pnl, values)
            self._books.days[row.day] = row

    def _rate(self, symbol: str) -> Decimal:
        currency = self._currencies.get(symbol, self.account.currency)
        return _ONE if currency == self.account.currency else self._rates[currency]


def fold(
    facts: Facts, marks: Iterable[Mark], until: datetime, looks: Sequence[Look] = (), *, observe: bool = True
) -> Books:
    """Return everything that follows from all facts and prices of an account up to a moment.

    `looks` are moments at which equity is wanted; with `observe` there are also those at which the suite observes it.
    Raise `RecordRejected` where the facts make no books: a fill in a currency of which no rate is known.
    """
    return Folding(facts.account, facts.instruments).advance(facts, marks, until, looks, observe=observe)


def _before(facts: Facts, moment: datetime) -> Facts:
    return _upto(facts, moment - _MICROSECOND)


def _upto(facts: Facts, moment: datetime) -> Facts:
    # The revision that counts may have moved a fact: it is chosen first, over all of them.
    return Facts(
        facts.account,
        facts.instruments,
        [each for each in latest(facts.fills) if each.at <= moment],
        [each for each in latest(facts.flows) if each.at <= moment],
        [each for each in latest(facts.rates) if each.at <= moment],
    )


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
