"""The books against simulations that share no code with them, over any mix of facts."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from main.domain.events import CashFlow, Fill, FxRate, Trade
from main.domain.ledger import Ledger
from tests.factories import fill, flow, instrument, moment, rate

D = Decimal
SYMBOLS = {"US": ("USD", D(1)), "DE": ("EUR", D(1)), "FDAX": ("EUR", D("12.5")), "NK": ("JPY", D(100))}
INSTRUMENTS = [instrument(symbol, currency=currency) for symbol, (currency, _) in SYMBOLS.items()]
FIRST_RATES = {"EUR": D("1.1"), "JPY": D("0.0065")}

Mark = tuple[str, D]
Step = Fill | CashFlow | FxRate | Mark

PRICES = st.decimals("0.0001", "90000", places=4)
MATCHINGS = st.sampled_from(["FIFO", "LIFO"])
FILL_ROWS = st.tuples(
    st.just("fill"),
    st.sampled_from(sorted(SYMBOLS)),
    st.sampled_from(["buy", "sell"]),
    st.decimals("0.001", "50", places=3) | st.integers(1, 4).map(D),
    PRICES,
    st.decimals("-1", "3", places=5),
)
FLOW_KINDS = ["deposit", "withdrawal", "transfer", "dividend", "interest", "funding", "fee"]
FLOW_ROWS = st.tuples(st.just("flow"), st.sampled_from(FLOW_KINDS), st.decimals("-500", "500", places=2))
RATE_ROWS = st.tuples(st.just("rate"), st.sampled_from(sorted(FIRST_RATES)), st.decimals("0.0001", "3", places=4))
MARK_ROWS = st.tuples(st.just("mark"), st.sampled_from(sorted(SYMBOLS)), PRICES)
ROWS = st.lists(FILL_ROWS | FILL_ROWS | FLOW_ROWS | RATE_ROWS | MARK_ROWS, max_size=40)
FACT_ROWS = st.lists(FILL_ROWS | FILL_ROWS | FLOW_ROWS | RATE_ROWS, max_size=30)


def steps(rows: Sequence[tuple], each_lasts: int = 1) -> Iterator[Step]:
    """What rows say, in order of time; of `each_lasts` rows the moment is the same."""
    for number, (kind, what, *values) in enumerate(rows):
        at = moment(number // each_lasts)
        if kind == "fill":
            side, quantity, price, fee = values
            yield fill(side, quantity, price, symbol=what, fee=fee, multiplier=SYMBOLS[what][1], at=at)
        elif kind == "flow":
            yield flow(what, *values, at=at)
        elif kind == "rate":
            yield rate(what, *values, at=at, revision=number)
        else:
            yield what, values[0]


def opened(matching: str = "FIFO") -> Ledger:
    books = Ledger("A", "test", INSTRUMENTS, currency="USD", matching=matching)
    for currency, value in FIRST_RATES.items():
        books.convert(currency, value, moment(-1))
    return books


def book(books: Ledger, step: Step) -> Sequence[Trade]:
    match step:
        case Fill():
            return books.apply(step).trades
        case CashFlow():
            books.credit(step)
        case FxRate():
            books.convert(step.base, step.rate, step.at)
        case symbol, price:
            books.mark(symbol, price, moment(10_000))
    return ()


class Account:
    """Fractions, plain lists, everything added up from the start whenever it is asked for."""

    def __init__(self, matching: str) -> None:
        self.out = -1 if matching == "LIFO" else 0
        self.cash: dict[str, Fraction] = defaultdict(Fraction)
        self.rates = {"USD": Fraction(1)} | {name: Fraction(value) for name, value in FIRST_RATES.items()}
        self.lots: dict[str, list[list[Fraction]]] = defaultdict(list)  # signed quantity, price
        self.marks: dict[str, Fraction] = {}
        self.told: set[str] = set()
        self.external = self.realized = self.income = self.fees = self.fx = Fraction(0)

    def see(self, step: Step) -> None:
        match step:
            case Fill():
                self.trade(step)
            case CashFlow():
                self.cash["USD"] += Fraction(step.amount)
                self.external += Fraction(step.amount) if step.kind in ("deposit", "withdrawal", "transfer") else 0
                self.income += Fraction(step.amount) if step.kind in ("dividend", "interest", "funding") else 0
                self.fees -= Fraction(step.amount) if step.kind == "fee" else 0
            case FxRate():
                held = self.cash[step.base] + self.summed(step.base, lambda symbol, price: price)
                self.fx += held * (Fraction(step.rate) - self.rates[step.base])
                self.rates[step.base] = Fraction(step.rate)
            case symbol, price:
                self.marks[symbol] = Fraction(price)
                self.told.add(symbol)

    def trade(self, each: Fill) -> None:
        currency, multiplier = SYMBOLS[each.symbol]
        rest = Fraction(each.quantity) * (1 if each.side == "buy" else -1)
        price, lots = Fraction(each.price), self.lots[each.symbol]
        self.cash[currency] -= rest * price * Fraction(multiplier)
        self.cash["USD"] -= Fraction(each.fee)
        self.fees += Fraction(each.fee)
        while rest and lots and lots[self.out][0] * rest < 0:
            lot = lots[self.out]
            taken = min(abs(rest), abs(lot[0])) * (1 if lot[0] > 0 else -1)
            self.realized += taken * (price - lot[1]) * Fraction(multiplier) * self.rates[currency]
            lot[0] -= taken
            rest += taken
            if not lot[0]:
                del lots[self.out]
        if rest:
            lots.append([rest, price])
        if each.symbol not in self.told:  # the test's marks are from after all fills
            self.marks[each.symbol] = price

    def summed(self, currency: str, worth) -> Fraction:
        return sum(
            (
                size * worth(symbol, price) * Fraction(SYMBOLS[symbol][1])
                for symbol, lots in self.lots.items()
                for size, price in lots
                if SYMBOLS[symbol][0] == currency
            ),
            Fraction(0),
        )

    @property
    def unrealized(self) -> Fraction:
        gains = (
            self.rates[each] * self.summed(each, lambda symbol, price: self.marks[symbol] - price)
            for each in self.rates
        )
        return sum(gains, Fraction(0))

    @property
    def equity(self) -> Fraction:
        worths = (
            self.rates[each] * (self.cash[each] + self.summed(each, lambda symbol, price: self.marks[symbol]))
            for each in self.rates
        )
        return sum(worths, Fraction(0))


@settings(deadline=None)
@given(ROWS, MATCHINGS)
def test_after_every_fact_the_books_equal_a_recomputation_in_fractions_and_nothing_is_unexplained(rows, matching):
    books, check = opened(matching), Account(matching)
    for step in steps(rows):
        book(books, step)
        check.see(step)
        proof, equity = books.proof(), books.equity(moment(10_000))
        assert proof.residual == 0
        assert proof.equity == equity.equity == proof.explained
        assert proof.equity == check.equity
        assert (proof.external, proof.income, proof.fees) == (check.external, check.income, check.fees)
        assert (proof.realized, proof.unrealized, proof.fx) == (check.realized, check.unrealized, check.fx)
    assert {name: cash for name, cash in books.balances.items() if cash} == {
        name: cash for name, cash in check.cash.items() if cash
    }
    for position in books.positions:
        lots = check.lots[position.symbol]
        size = abs(sum(quantity for quantity, _ in lots))
        average = sum(abs(quantity) * price for quantity, price in lots) / size
        assert position.quantity == size
        assert abs(Fraction(position.entry_price) / average - 1) < Fraction(1, 10**27)
    held = {symbol: sum(quantity for quantity, _ in lots) for symbol, lots in check.lots.items()}
    assert {position.symbol for position in books.positions} == {
        symbol for symbol, quantity in held.items() if quantity
    }
    assert all(books.quantity(symbol) == quantity for symbol, quantity in held.items())


@settings(deadline=None)
@given(ROWS, MATCHINGS)
def test_trades_carry_all_that_is_realised_and_every_unit_and_fee_of_the_fills(rows, matching):
    books = opened(matching)
    made = list(steps(rows))
    fills = [step for step in made if isinstance(step, Fill)]
    trades = [trade for step in made for trade in book(books, step)]
    assert sum((trade.gross_pnl for trade in trades), D(0)) == books.realized
    for symbol, (_, multiplier) in SYMBOLS.items():  # close all, free of charge: then every leg has found a trade
        held = books.quantity(symbol)
        assert held == sum(f.quantity if f.side == "buy" else -f.quantity for f in fills if f.symbol == symbol)
        if held:
            last = fill(
                "sell" if held > 0 else "buy", abs(held), 7, symbol=symbol, multiplier=multiplier, at=moment(20_000)
            )
            trades += books.apply(last).trades
            fills.append(last)
    borne: dict[str, D] = defaultdict(D)
    for trade in trades:
        borne[trade.entry_fill] += trade.quantity
        borne[trade.exit_fill] += trade.quantity
        assert trade.realized_pnl == trade.gross_pnl - trade.fees
    assert borne == {f.source_id: f.quantity for f in fills}
    flow_fees = sum((step.amount for step in made if isinstance(step, CashFlow) and step.kind == "fee"), D(0))
    assert sum((trade.fees for trade in trades), D(0)) == books.fees + flow_fees
    assert sum((trade.gross_pnl for trade in trades), D(0)) == books.realized
    assert books.positions == ()
    assert books.unrealized == 0


def with_corrections(facts: list[Step], spoilt: set[int]) -> list[Step]:
    """The same facts as recorded by a bot that told some fills and flows wrongly first, and some that never were."""
    told: list[Step] = list(facts)
    for number, fact in enumerate(facts):
        if number not in spoilt or isinstance(fact, FxRate):
            continue
        if isinstance(fact, CashFlow):
            told[number] = replace(fact, revision=2)
            told += [replace(fact, amount=fact.amount + 1), replace(fact, amount=fact.amount - 1, revision=1)]
        else:
            told[number] = replace(fact, revision=1)
            told.append(replace(fact, price=fact.price + 1, fee=fact.fee + 1))
            never = replace(fact, source_id=f"never {number}", quantity=fact.quantity * 3)
            told += [never, replace(never, quantity=D(0), revision=1)]
    return told


@settings(deadline=None)
@given(FACT_ROWS, MATCHINGS, st.sets(st.integers(0, 30)), st.randoms(use_true_random=False))
def test_any_order_of_arrival_with_corrections_busts_and_repetitions_makes_the_books_of_the_bot(
    rows, matching, spoilt, random
):
    facts = list(steps(rows, each_lasts=3))
    live = opened(matching)
    for fact in sorted(facts, key=lambda each: (each.at, not isinstance(each, FxRate))):
        book(live, fact)
    told = with_corrections(facts, spoilt)
    told += told[:4]
    told += [rate(currency, value, at=moment(-1)) for currency, value in FIRST_RATES.items()]
    random.shuffle(told)
    again = Ledger.folded(
        "A",
        "test",
        [fact for fact in told if isinstance(fact, Fill)],
        [fact for fact in told if isinstance(fact, CashFlow)],
        INSTRUMENTS,
        rates=[fact for fact in told if isinstance(fact, FxRate)],
        currency="USD",
        matching=matching,
    )
    assert again.positions == live.positions
    assert again.proof() == live.proof()
    assert again.equity(moment()) == live.equity(moment())
    assert {f.source_id for f in again.open_entries} == {f.source_id for f in live.open_entries}
    assert (again.balances, again.income_by_kind) == (live.balances, live.income_by_kind)


@settings(deadline=None)
@given(FACT_ROWS)
def test_fills_learned_after_all_rates_make_the_same_books_and_trades_as_those_learned_at_once(rows):
    facts = list(steps(rows))
    live, late = opened(), opened()
    at_once = [trade for fact in facts for trade in book(live, fact)]
    for fact in facts:
        if isinstance(fact, FxRate):
            book(late, fact)
    afterwards = [trade for fact in facts if not isinstance(fact, FxRate) for trade in book(late, fact)]
    assert afterwards == at_once
    assert late.proof() == live.proof()
    assert late.positions == live.positions


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 6), st.integers(1, 99)), max_size=40), MATCHINGS)
def test_lots_match_as_if_every_unit_were_one_coin_in_a_queue_or_on_a_pile(rows, matching):
    books = Ledger("A", "test", matching=matching)
    coins: list[Fill] = []  # each one unit, all bought or all sold
    for buys, quantity, price in rows:
        each = fill("buy" if buys else "sell", quantity, price)
        pairs: Counter[str] = Counter()
        earned = 0
        for _ in range(quantity):
            if coins and coins[-1].side != each.side:
                entry = coins.pop(0) if matching == "FIFO" else coins.pop()
                pairs[entry.source_id] += 1
                earned += (each.price - entry.price) * (1 if entry.side == "buy" else -1)
            else:
                coins.append(each)
        trades = books.apply(each).trades
        assert {trade.entry_fill: trade.quantity for trade in trades} == pairs
        assert len(trades) == len(pairs)
        assert sum(trade.gross_pnl for trade in trades) == earned
    signed = sum(1 if coin.side == "buy" else -1 for coin in coins)
    assert books.quantity("X") == signed
    assert [entry.source_id for entry in books.open_entries] == list(dict.fromkeys(coin.source_id for coin in coins))
