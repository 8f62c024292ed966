from datetime import timedelta
from decimal import Decimal

import pytest

from main.domain.balances import KEPT_RATES
from main.domain.events import Fill
from main.domain.ledger import Ledger
from main.domain.proof import Proof
from main.errors import RecordRejected
from tests.factories import START, fill, flow, instrument, moment, rate

D = Decimal
INSTRUMENTS = [
    instrument("US", currency="USD"),
    instrument("DE", currency="EUR"),
    instrument("NK", currency="JPY", multiplier=D(100)),
]


def euros(*rates: tuple[object, float]) -> Ledger:
    """Books in EUR with 10,000 paid in, and what a dollar was worth at which second."""
    books = Ledger("A", "test", INSTRUMENTS, currency="EUR")
    books.credit(flow("deposit", 10_000))
    for value, at in rates:
        books.convert("USD", D(str(value)), moment(at))
    return books


def us(side: str, quantity: object, price: object, at: float, **given: object) -> Fill:
    return fill(side, quantity, price, symbol="US", at=moment(at), **given)


def test_a_profit_in_dollars_is_booked_at_the_rate_of_the_fill_and_revalued_from_then_on():
    books = euros(("0.9", 0))
    books.apply(us("buy", 10, 100, 1))
    (trade,) = books.apply(us("sell", 10, 110, 2)).trades
    assert (trade.gross_pnl, trade.fx_rate, trade.entry_price, trade.exit_price) == (90, D("0.9"), 100, 110)
    books.convert("USD", D("0.8"), moment(3))
    assert (books.realized, books.fx, books.cash) == (90, -10, 10_080)
    assert books.balances == {"EUR": 10_000, "USD": 100}
    equity = books.equity(moment(3))
    assert (equity.equity, equity.fx_pnl, equity.realized_pnl) == (10_080, -10, 90)


def test_an_open_position_shows_its_profit_at_the_rate_of_now_and_no_fx_result_before_it_is_realised():
    books = euros(("0.9", 0))
    books.apply(us("buy", 10, 100, 1))
    books.mark("US", D(110), moment(2))
    assert (books.unrealized, books.value("US"), books.fx) == (90, 990, 0)
    books.convert("USD", D("0.8"), moment(3))
    assert (books.unrealized, books.value("US"), books.fx) == (80, 880, 0)
    (position,) = books.positions
    assert (position.unrealized_pnl, position.entry_price, position.current_price) == (80, 100, 110)
    assert position.at == moment(3)  # what it says changed then
    assert books.balances == {"EUR": 10_000, "USD": -1_000}


def test_exposure_and_margin_are_in_the_accounts_currency():
    books = euros(("0.5", 0))
    books.apply(us("buy", 10, 100, 1))
    books.apply(fill("sell", 2, 300, symbol="DE"))
    equity = books.equity(moment(9))
    assert (equity.gross_exposure, equity.net_exposure, equity.available_margin) == (1_100, -100, 8_900)


def test_fees_and_flows_are_in_the_accounts_currency_whatever_is_traded():
    books = euros(("0.5", 0))
    books.apply(us("buy", 1, 100, 1, fee=D(4)))
    books.credit(flow("fee", -6))
    (trade,) = books.apply(us("sell", 1, 120, 2, fee=D(1))).trades
    assert (trade.gross_pnl, trade.fees, trade.realized_pnl, books.fees) == (10, 5, 5, 11)
    assert books.balances == {"EUR": 10_000 - 11, "USD": 20}


def test_a_multiplier_counts_in_another_currency_too():
    books = Ledger("A", "test", INSTRUMENTS, currency="EUR")
    books.convert("JPY", D("0.006"), START)
    books.apply(fill("sell", 3, 200, symbol="NK", multiplier=D(100)))
    (trade,) = books.apply(fill("buy", 3, 190, symbol="NK", multiplier=D(100))).trades
    assert (trade.gross_pnl, books.balances["JPY"]) == (18, 3_000)


def test_without_an_instrument_a_symbol_is_in_the_accounts_currency():
    books = euros()
    books.apply(fill("buy", 1, 100, symbol="nobody told"))
    assert books.balances == {"EUR": 9_900}


def test_books_without_a_currency_convert_nothing_and_name_no_balance():
    books = Ledger("A", "test", INSTRUMENTS)
    books.apply(us("buy", 1, 100, 1))
    books.apply(fill("buy", 1, 50, symbol="DE"))
    assert (books.cash, books.balances, books.fx) == (-150, {}, 0)
    with pytest.raises(RecordRejected, match="convert nothing"):
        books.convert("USD", D(1), START)


def test_a_fill_without_a_rate_is_refused_and_can_be_booked_once_there_is_one():
    books, early = euros(), us("buy", 1, 100, 5)
    with pytest.raises(RecordRejected, match="currency: got 'USD', no rate to EUR is known"):
        books.apply(early)
    assert not books.knows(early)
    books.mark("US", D(101), moment(5))
    assert (books.value("US"), books.equity(START).equity) == (0, 10_000)  # nothing is held that would need one
    books.convert("USD", D("0.9"), moment(5))
    assert books.apply(early).position is not None


def test_a_fill_from_before_the_first_rate_is_refused_however_late_it_is_learned():
    with pytest.raises(RecordRejected, match="no rate to EUR"):
        euros(("0.9", 5)).absorb(us("buy", 1, 100, 4))


@pytest.mark.parametrize(
    ("currency", "value", "reason"),
    [("EUR", D(1), "always 1"), ("USD", D(0), "above 0"), ("USD", D(-1), "above 0"), ("USD", D("NaN"), "finite")],
)
def test_a_rate_without_a_meaning_is_refused(currency, value, reason):
    books = euros()
    with pytest.raises(RecordRejected, match=reason):
        books.convert(currency, value, START)
    assert books.balances == {"EUR": 10_000}


def test_a_rate_older_than_the_last_one_is_refused_even_if_that_brought_no_change():
    books = euros(("0.9", 1), ("0.9", 5))
    with pytest.raises(RecordRejected, match="older than the last rate of USD; fold the ledger anew"):
        books.convert("USD", D("0.8"), moment(4))


def test_a_changed_rate_from_before_a_trade_is_refused_for_the_trade_should_have_had_it():
    books = euros(("0.9", 1))
    books.apply(us("buy", 1, 100, 2))
    books.convert("USD", D("0.91"), moment(2))  # nothing is realised yet: a purchase has no rate
    books.apply(us("sell", 1, 110, 4))
    books.convert("USD", D("0.91"), moment(3))  # no news
    with pytest.raises(RecordRejected, match="older than the last trade in USD"):
        books.convert("USD", D("0.8"), moment(4))
    assert (books.realized, books.fx) == (D("9.1"), 0)


def test_a_second_rate_of_the_same_moment_takes_the_place_of_the_first():
    books = euros(("0.9", 1), ("0.7", 2), ("0.8", 2))
    books.apply(us("buy", 1, 100, 2))
    books.apply(us("sell", 1, 110, 2))
    books.convert("USD", D("0.5"), moment(3))
    assert (books.realized, books.fx) == (8, -3)


def test_a_rate_taken_back_within_its_moment_never_changed_anything():
    books = euros(("0.9", 0))
    books.apply(us("buy", 1, 100, 1))
    for value in ("0.8", "0.9"):
        books.convert("USD", D(value), moment(5))
    assert books.positions[0].at == moment(1)


def test_a_fill_learned_late_is_booked_at_the_rate_of_its_time():
    books = euros(("0.9", 0), ("0.8", 10), ("0.7", 20))
    books.apply(us("buy", 1, 100, 1))
    (trade,) = books.apply(us("sell", 1, 200, 15)).trades
    assert (trade.fx_rate, trade.gross_pnl) == (D("0.8"), 80)
    assert (books.realized, books.fx, books.cash) == (80, -10, 10_070)


def test_a_fill_older_than_all_rates_kept_asks_for_a_new_fold():
    books = euros(*((1 + number % 2, number) for number in range(KEPT_RATES + 1)))
    assert books.apply(us("buy", 1, 100, 1)).position is not None  # the second rate is the oldest one kept
    with pytest.raises(RecordRejected, match="older than the rates kept of USD; fold the ledger anew"):
        books.apply(us("buy", 1, 100, 0))


def test_income_is_told_by_kind():
    books = euros()
    for kind, amount in (("dividend", 7), ("dividend", 1), ("interest", 3), ("funding", -2), ("fee", -5)):
        books.credit(flow(kind, amount))
    assert books.income_by_kind == {"dividend": 8, "interest": 3, "funding": -2}
    assert (books.income, books.fees, books.external) == (9, 5, 10_000)


def test_the_books_know_a_fact_they_booked_and_not_its_correction():
    books, bought, paid = euros(), fill("buy", 1, 100, symbol="DE"), flow("interest", 1)
    assert not books.knows(bought)
    assert not books.knows(paid)
    books.absorb(bought)
    books.credit(paid)
    assert books.knows(bought)
    assert books.knows(paid)
    assert not books.knows(fill("buy", 2, 100, symbol="DE", source_id=bought.source_id, revision=1))
    assert not books.knows(flow("interest", 2, source_id=paid.source_id, revision=1))


def test_a_fold_takes_the_newest_revision_of_a_rate_before_the_fills_of_its_moment_and_no_other_pairs():
    rates = [
        rate("USD", "0.5", quote="EUR", at=moment(5), revision=1),
        rate("USD", "0.9", quote="EUR", at=moment(0)),
        rate("USD", "0.4", quote="EUR", at=moment(5)),
        rate("USD", "150", quote="JPY", at=moment(6)),  # nothing to an account in euros
    ]
    fills = [us("sell", 1, 110, 5), us("buy", 1, 100, 0)]
    books = Ledger.folded("A", "test", fills, [], INSTRUMENTS, rates=rates, currency="EUR")
    assert (books.realized, books.fx, books.balances) == (5, 0, {"EUR": 0, "USD": 10})


def test_the_youngest_lot_leaves_first_where_the_account_says_so():
    books = Ledger("A", "test", matching="LIFO")
    for price in (100, 110, 120):
        books.apply(fill("buy", 2, price))
    trades = books.apply(fill("sell", 3, 130)).trades
    assert [(t.quantity, t.entry_price, t.gross_pnl) for t in trades] == [(2, 120, 20), (1, 110, 20)]
    (position,) = books.positions
    assert (position.quantity, position.entry_price) == (3, D("103.3333333333333333333333333"))


def test_the_oldest_lot_keeps_its_extremes_while_younger_ones_come_and_go():
    books = Ledger("A", "test", matching="LIFO")
    books.apply(fill("buy", 1, 100, at=moment(0)))
    books.mark("X", D(90), moment(1))
    books.apply(fill("buy", 1, 95, at=moment(2)))
    (young,) = books.apply(fill("sell", 1, 95, at=moment(3))).trades
    (old,) = books.apply(fill("sell", 1, 110, at=moment(4))).trades
    assert (young.mae, old.mae, old.mfe) == (0, D("-0.1"), D("0.1"))


def test_the_longest_numbers_that_may_be_recorded_are_booked_to_the_last_digit():
    great, small = D("9" * 61 + "." + "9" * 90), D("1e-60") + D("1e-150")
    books = Ledger("A", "test", [instrument("US", multiplier=great), instrument("DE")], currency="EUR")
    books.convert("USD", great, START)
    books.credit(flow("deposit", small))
    books.absorb(us("buy", great, great, 1, multiplier=great))
    books.absorb(fill("buy", small, small, symbol="DE", multiplier=small))
    books.absorb(us("sell", great, small, 2, multiplier=great))
    books.convert("USD", small, moment(3))
    assert books.proof().residual == 0
    for number in ("0." + "3" * 151, "1" * 60 + "." + "1" * 92):
        with pytest.raises(RecordRejected, match="at most 150 digits"):
            fill("buy", number, 1)


def test_another_way_of_matching_is_refused():
    with pytest.raises(RecordRejected, match="lot_matching: got 'HIFO', expected one of FIFO, LIFO"):
        Ledger("A", "test", matching="HIFO")


def test_the_proof_tells_the_parts_and_its_residual_is_what_they_leave_unexplained():
    books = euros(("0.9", 0))
    books.credit(flow("dividend", 3))
    books.apply(us("buy", 2, 100, 1, fee=D(1)))
    books.apply(us("sell", 1, 110, 2, fee=D(1)))
    books.convert("USD", D("0.8"), moment(3))
    assert books.proof() == Proof(
        external=D(10_000), realized=D(9), income=D(3), fees=D(2), unrealized=D(8), fx=D(-1), equity=D(10_017)
    )
    assert books.proof().residual == 0
    wrong = Proof(external=D(5), realized=D(1), income=D(1), fees=D(1), unrealized=D(1), fx=D(1), equity=D(9))
    assert (wrong.explained, wrong.residual) == (8, 1)


def test_cash_that_came_from_nowhere_is_the_residual():
    books = euros(("0.5", 0))
    books._balances.of("USD").cash += 3
    assert books.proof().residual == D("1.5")


def test_the_extremes_of_a_lot_are_those_of_prices_whatever_the_rate_does():
    books = euros(("0.9", 0))
    books.apply(us("buy", 1, 100, 1))
    books.convert("USD", D("1.8"), moment(2))
    books.mark("US", D(105), moment(3))
    (trade,) = books.apply(us("sell", 1, 102, 4)).trades
    assert (trade.mfe, trade.mae) == (D("0.05"), 0)


def test_a_position_that_turns_over_in_another_currency_closes_one_and_opens_one():
    books = euros(("0.5", 0))
    books.apply(us("buy", 3, 100, 1))
    closed, opened = books.apply(us("sell", 5, 110, 2)).positions
    assert (closed.quantity, closed.unrealized_pnl, closed.at) == (0, 0, moment(2))
    assert (opened.side, opened.quantity, opened.entry_price) == ("short", 2, 110)
    books.mark("US", D(100), START + timedelta(seconds=3))
    assert (books.realized, books.unrealized, books.quantity("US")) == (15, 10, -2)
