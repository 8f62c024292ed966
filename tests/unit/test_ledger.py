from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from main.domain.events import Fill, Trade
from main.domain.ledger import Ledger
from main.errors import RecordRejected
from tests.factories import START, fill, flow, instrument, moment

D = Decimal


def ledger(*fills: Fill) -> Ledger:
    books = Ledger("A", "test")
    books.credit(flow("deposit", 10_000))
    for each in fills:
        books.apply(each)
    return books


def test_the_check_of_the_definitions_gives_20_realised_and_10_unrealised():
    books = ledger(fill("buy", 1, 100), fill("buy", 1, 110), fill("sell", 1, 120))
    books.mark("X", D(120), moment(10_000))
    assert (books.realized, books.unrealized) == (20, 10)
    assert books.equity(START).equity == 10_030


def test_lots_match_first_in_first_out_and_the_average_follows_the_open_lots():
    books = ledger(fill("buy", 2, 100), fill("buy", 2, 110))
    assert books.positions[0].entry_price == 105
    change = books.apply(fill("sell", 3, 120))
    assert [(t.quantity, t.entry_price, t.gross_pnl) for t in change.trades] == [(2, 100, 40), (1, 110, 10)]
    assert change.position is not None
    assert (change.position.quantity, change.position.entry_price) == (1, 110)


def test_a_short_position_earns_when_the_price_falls():
    books = ledger(fill("sell", 5, 50))
    books.mark("X", D(45), moment(10_000))
    position = books.positions[0]
    assert (position.side, position.quantity, position.unrealized_pnl) == ("short", 5, 25)
    (trade,) = books.apply(fill("buy", 5, 40, at=moment(20_000))).trades
    assert (trade.transaction_type, trade.gross_pnl, trade.quantity) == ("SELL", 50, 5)


def test_one_fill_through_zero_closes_a_position_and_opens_the_opposite_one():
    first = fill("buy", 3, 100)
    books = ledger(first)
    through = fill("sell", 5, 110, fee=5)
    change = books.apply(through)
    closed, opened = change.positions
    assert (closed.is_active, closed.quantity, closed.side) == (False, 0, "long")
    assert (opened.is_active, opened.quantity, opened.side, opened.entry_price) == (True, 2, "short", 110)
    assert closed.position_id != opened.position_id
    assert change.trades[0].fees == 3  # three of the five sold carry three fifths of the fee
    assert change.trades[0].position_id == closed.position_id
    (cover,) = books.apply(fill("buy", 2, 100)).trades
    assert (cover.fees, cover.gross_pnl, cover.position_id) == (2, 20, opened.position_id)


def test_a_price_known_before_the_first_fill_values_it():
    books = Ledger("A", "test")
    books.mark("X", D(99), moment(5_000))
    books.apply(fill("buy", 2, 100, at=moment(5_000)))
    assert (books.positions[0].current_price, books.unrealized) == (99, -2)


def test_a_multiplier_counts_in_profit_and_exposure():
    books = ledger(fill("buy", 2, 100, multiplier=D(50)))
    books.mark("X", D(101), moment(10_000))
    equity = books.equity(START)
    assert (equity.unrealized_pnl, equity.gross_exposure, equity.equity) == (100, 10_100, 10_100)


def test_a_position_changes_its_multiplier_only_while_it_is_flat():
    books = ledger(fill("buy", 2, 100))
    with pytest.raises(RecordRejected, match="multiplier"):
        books.apply(fill("buy", 1, 100, multiplier=D(10)))


def test_fractions_of_a_coin_are_exact():
    books = ledger(fill("buy", "0.00000001", "0.1"), fill("buy", "0.3", "92345.67"))
    books.mark("X", D("92345.68"), moment(10_000))
    assert books.unrealized == D("0.3") * D("0.01") + D("0.00000001") * (D("92345.68") - D("0.1"))


def test_the_same_fill_twice_changes_nothing():
    once = fill("buy", 1, 100, fee=1)
    books = ledger(once)
    before = books.equity(START)
    assert books.apply(once).positions == ()
    assert books.equity(START) == before


def test_the_same_flow_twice_changes_nothing():
    deposit = flow("deposit", 500)
    books = ledger()
    assert books.credit(deposit)
    assert not books.credit(deposit)
    assert books.cash == 10_500


def test_a_correction_of_a_booked_fill_asks_for_a_new_fold_which_takes_the_newest_revision():
    wrong = fill("buy", 1, 100)
    right = fill("buy", 2, 100, source_id=wrong.source_id, revision=1, at=wrong.at)
    with pytest.raises(RecordRejected, match="fold the ledger anew"):
        ledger(wrong).apply(right)
    assert Ledger.folded("A", "test", [right, wrong], []).quantity("X") == 2


def test_a_busted_fill_never_happened():
    kept, busted = fill("buy", 1, 100), fill("buy", 9, 90)
    bust = fill("buy", 0, 90, source_id=busted.source_id, revision=1, at=busted.at)
    books = Ledger.folded("A", "test", [kept, busted, bust], [])
    assert (books.quantity("X"), books.cash) == (1, -100)
    live = ledger()
    assert live.apply(bust).positions == ()  # heard of the bust first
    assert live.apply(busted).positions == ()


def test_a_fill_older_than_the_last_of_its_symbol_is_refused():
    newer = fill("buy", 1, 100)
    with pytest.raises(RecordRejected, match="older"):
        ledger(newer).apply(fill("buy", 1, 100, at=newer.at - timedelta(seconds=1)))


def test_a_closed_position_is_never_older_than_what_was_told_of_it_while_it_was_open():
    books = ledger(fill("buy", 1, 100, at=moment(1)))
    books.mark("X", D(105), moment(9))
    (closed,) = books.apply(fill("sell", 1, 104, at=moment(5))).positions  # learned late
    assert (closed.is_active, closed.at, closed.current_price) == (False, moment(9), 105)


def test_excursions_are_the_best_and_worst_price_seen_while_the_lot_was_open():
    books = ledger(fill("buy", 1, 100))
    books.mark("X", D(90), moment(10_000))
    books.apply(fill("buy", 1, 100, at=moment(10_001)))
    books.mark("X", D(125), moment(10_002))
    first, second = books.apply(fill("sell", 2, 110, at=moment(10_003))).trades
    assert (first.mfe, first.mae) == (D("0.25"), D("-0.1"))
    assert (second.mfe, second.mae) == (D("0.25"), 0)


def test_a_fill_that_is_learned_late_sees_the_prices_of_its_own_time_only():
    books = Ledger("A", "test")
    books.mark("X", D(130), moment(10))
    opened = fill("buy", 2, 100, at=moment(5))
    books.apply(opened)
    (first,) = books.apply(fill("sell", 1, 101, at=moment(8))).trades
    assert (first.mfe, first.mae) == (D("0.01"), 0)  # closed before the price of 130
    (second,) = books.apply(fill("sell", 1, 110, at=moment(12))).trades
    assert (second.mfe, second.mae) == (D("0.3"), 0)  # open while it was 130


def test_a_lot_does_not_see_the_price_of_the_moment_it_was_opened_at():
    books = Ledger("A", "test")
    books.apply(fill("buy", 1, 90, at=moment(0)))
    books.mark("X", D(50), moment(10))
    books.apply(fill("buy", 1, 100, at=moment(10)))
    trades = books.apply(fill("sell", 2, 100, at=moment(20))).trades
    assert [trade.mae for trade in trades] == [D("-0.444444444444"), 0]


def test_a_trade_names_both_fills_and_what_is_known_of_the_instrument():
    books = Ledger("A", "test", [instrument(exchange="XNAS", segment="equity", instrument_token="42")])
    entry, leave = fill("buy", 1, 10, strategy="maker"), fill("sell", 1, 11)
    books.apply(entry)
    (trade,) = books.apply(leave, "signal").trades
    assert trade.source_id == f"{entry.source_id}:{leave.source_id}"
    assert (trade.entry_fill, trade.exit_fill, trade.exit_type) == (entry.source_id, leave.source_id, "signal")
    assert (trade.exchange, trade.segment, trade.instrument_token, trade.strategy) == ("XNAS", "equity", "42", "maker")


def test_a_fee_that_does_not_divide_leaves_its_remainder_on_the_last_piece():
    books = ledger(fill("buy", 3, 100, fee=1))
    pieces = [books.apply(fill("sell", 1, 100)).trades[0].fees for _ in range(3)]
    assert pieces == [D("0.333333333333"), D("0.3333333333335"), D("0.3333333333335")]
    assert sum(pieces) == 1


def test_income_and_fee_flows_are_performance_and_margin_never_falls_below_zero():
    books = ledger(fill("buy", 1000, 100))
    for kind, amount in (("dividend", 7), ("funding", -2), ("fee", -3), ("withdrawal", -100)):
        books.credit(flow(kind, amount))
    equity = books.equity(START)
    assert (books.external, books.income, equity.fees, equity.available_margin) == (9_900, 5, 3, 0)
    assert equity.equity == 9_900 + 5 - 3


def test_fills_of_two_sources_under_one_id_make_trades_of_their_own():
    books = ledger(fill("buy", 1, 100, source_id="1"), fill("buy", 1, 100, source="import", source_id="1"))
    trades = books.apply(fill("sell", 2, 110, source_id="2")).trades
    assert [trade.source_id for trade in trades] == ["1:2", "import:1:2"]


def test_ids_with_a_colon_cannot_make_two_trades_look_alike():
    def trade(entry: str, leave: str) -> Trade:
        return ledger(fill("buy", 1, 1, source_id=entry)).apply(fill("sell", 1, 1, source_id=leave)).trades[0]

    assert trade("a:b", "c").source_id != trade("a", "b:c").source_id


PRICES = st.decimals("0.0001", "90000", places=4)
FILLS = st.lists(
    st.tuples(
        st.sampled_from(["X", "Y"]),
        st.sampled_from(["buy", "sell"]),
        st.decimals("0.001", "50", places=3),
        PRICES,
        st.decimals("-1", "3", places=5),
    ),
    max_size=40,
)
MULTIPLIERS = {"X": D(1), "Y": D("12.5")}


def made(rows: list[tuple[str, str, D, D, D]]) -> list[Fill]:
    return [
        fill(side, quantity, price, symbol=symbol, fee=fee, multiplier=MULTIPLIERS[symbol], at=moment(number // 3))
        for number, (symbol, side, quantity, price, fee) in enumerate(rows)
    ]


def recomputed(fills: list[Fill], marks: dict[str, D]) -> tuple[Fraction, Fraction]:
    """Realised and unrealised P&L by a method of its own: every unit is followed, in fractions, from a plain list."""
    realised = unrealised = Fraction(0)
    for symbol, multiplier in MULTIPLIERS.items():
        queue: list[list[Fraction]] = []  # signed quantity, price
        for each in (f for f in fills if f.symbol == symbol):
            rest = Fraction(each.quantity) * (1 if each.side == "buy" else -1)
            price = Fraction(each.price)
            while rest and queue and queue[0][0] * rest < 0:
                size = min(abs(rest), abs(queue[0][0]))
                direction = 1 if queue[0][0] > 0 else -1
                realised += direction * size * (price - queue[0][1]) * Fraction(each.multiplier)
                queue[0][0] -= direction * size
                rest += direction * size
                if not queue[0][0]:
                    queue.pop(0)
            if rest:
                queue.append([rest, price])
        mark = Fraction(marks[symbol])
        unrealised += sum((size * (mark - price) * Fraction(multiplier) for size, price in queue), Fraction(0))
    return realised, unrealised


@settings(deadline=None)
@given(FILLS, PRICES, PRICES)
def test_the_books_equal_a_recomputation_from_the_fills_and_balance_to_the_last_digit(rows, mark_x, mark_y):
    fills, marks = made(rows), {"X": mark_x, "Y": mark_y}
    books = ledger(*fills)
    books.credit(flow("funding", "-1.23"))
    for symbol, mark in marks.items():
        books.mark(symbol, mark, moment(1_000))
    equity = books.equity(moment(1_000))
    realised, unrealised = recomputed(fills, marks)
    assert Fraction(books.realized) == realised
    assert Fraction(books.unrealized) == unrealised
    assert books.fees == sum((f.fee for f in fills), D(0))
    assert Fraction(equity.equity) == 10_000 + realised - Fraction(books.fees) + unrealised - Fraction("1.23")
    assert equity.equity == books.external + books.income + books.realized - books.fees + books.unrealized


@settings(deadline=None)
@given(FILLS)
def test_fees_of_trades_and_open_lots_add_up_to_the_fees_of_the_fills(rows):
    books = ledger()
    borne: dict[str, D] = defaultdict(D)
    trades: list[Trade] = []
    fills = made(rows)
    for each in fills:
        trades += books.apply(each).trades
    for (
        symbol,
        multiplier,
    ) in MULTIPLIERS.items():  # close all, free of charge: every leg finds a trade
        held = books.quantity(symbol)
        if held:
            side = "sell" if held > 0 else "buy"
            last = fill(side, abs(held), 1, symbol=symbol, multiplier=multiplier, at=moment(1_000))
            trades += books.apply(last).trades
    for trade in trades:
        borne[trade.symbol] += trade.fees
    for symbol in MULTIPLIERS:
        assert borne[symbol] == sum((f.fee for f in fills if f.symbol == symbol), D(0))
    assert sum((t.gross_pnl for t in trades), D(0)) == books.realized
    assert len({t.source_id for t in trades}) == len(trades)


@settings(deadline=None)
@given(FILLS, st.randoms(use_true_random=False))
def test_folding_stored_facts_in_any_order_gives_the_same_books(rows, random):
    fills, deposit = made(rows), flow("deposit", 10_000)
    live = Ledger("A", "test")
    live.credit(deposit)
    for each in fills:
        live.apply(each)
    shuffled = [*fills, *fills[:3]]
    random.shuffle(shuffled)
    again = Ledger.folded("A", "test", shuffled, [deposit, deposit])
    assert again.positions == live.positions
    assert again.equity(START) == live.equity(START)


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 9), st.decimals("1", "99", places=2)), max_size=40))
def test_excursions_equal_those_of_a_lot_that_listens_to_every_price(steps):
    books = Ledger("A", "test")
    seen: list[tuple[int, D]] = []
    born: dict[str, int] = {}
    for number, (trades_now, quantity, price) in enumerate(steps):
        seen.append((number, price))
        if not trades_now:
            books.mark("X", price, moment(number))
            continue
        each = fill("buy" if quantity % 2 else "sell", quantity, price, at=moment(number))
        born[each.source_id] = number
        for trade in books.apply(each).trades:
            prices = [seen_price for n, seen_price in seen if n >= born[trade.entry_fill]]
            sign = 1 if trade.transaction_type == "BUY" else -1
            returns = [sign * (p - trade.entry_price) / trade.entry_price for p in prices]
            assert trade.mfe == pytest.approx(max(returns), abs=D("1e-11"))
            assert trade.mae == pytest.approx(min(returns), abs=D("1e-11"))
