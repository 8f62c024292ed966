"""All accounts told in one currency: converted at the rate of the moment, or not at all."""

from datetime import datetime
from decimal import Decimal

import pytest

from main.database.pool import Database
from main.monitoring.reads import account_totals
from main.monitoring.reads.account_totals import CurrencyTotal, InCurrency
from tests.given import DAY, HOUR, MOMENT, given_account, given_equity, given_position, given_trade, insert
from tests.given_performance import told


async def given_rate(service: Database, base: str, quote: str, rate: object, at: datetime) -> None:
    row = {"source": "sim", "base": base, "quote": quote, "rate": rate, "at": at, "recorded_at": at}
    await insert(service, "fx_rates", [row])


async def total(database: Database, *accounts: str, currency: str, until: datetime = MOMENT) -> CurrencyTotal:
    params = InCurrency(currency)
    [row] = await told(database, account_totals.READ, *accounts, params=params, until=until, window="1D")
    return row


async def test_every_sum_is_converted_at_the_newest_rate_of_the_moment(service: Database, database: Database) -> None:
    await given_account(service, "A")
    await given_account(service, "B", currency="EUR")
    await given_equity(service, 1000, 1100, account="A", cash=500)
    await given_equity(service, 2000, 1900, account="B", cash=100)
    await given_trade(service, 40, MOMENT - HOUR, "B", fees="2")
    await given_position(service, account="A")
    await given_rate(service, "EUR", "USD", "1.5", MOMENT - DAY)
    await given_rate(service, "EUR", "USD", "1.25", MOMENT - HOUR)
    row = await total(database, "A", "B", currency="USD")
    assert (row.currency, row.accounts, row.missing_rates) == ("USD", 2, [])
    assert (row.equity, row.cash) == (1100 + Decimal("1.25") * 1900, 500 + Decimal("1.25") * 100)
    assert row.today_pnl == 100 - 125
    assert (row.realized_today, row.fees_today) == (50, Decimal("2.5"))
    assert (row.unrealized_pnl, row.unrealized_share) == (100, pytest.approx(0.1))
    assert (row.today_return, row.drawdown, row.max_drawdown) == (None, None, None)
    before = await total(database, "A", "B", currency="USD", until=MOMENT - 2 * HOUR)
    assert before.equity is None  # nothing was observed by then
    assert before.realized_today == 0


async def test_a_rate_that_is_known_the_other_way_round_is_turned(service: Database, database: Database) -> None:
    await given_account(service, "B", currency="EUR")
    await given_equity(service, 100, 200, account="B")
    await given_rate(service, "USD", "EUR", "0.8", MOMENT - HOUR)
    row = await total(database, "B", currency="USD")
    assert row.equity == 250
    assert (row.today_return, row.max_drawdown) == (pytest.approx(1.0), 0.0)  # of one currency: no rate is in them


async def test_without_a_rate_there_is_no_sum_and_the_currency_is_named(service: Database, database: Database) -> None:
    await given_account(service, "A")
    await given_account(service, "B", currency="EUR")
    await given_equity(service, 100, 110, account="A")
    await given_equity(service, 500, 400, account="B")
    await given_rate(service, "EUR", "USD", "1.25", MOMENT + HOUR)
    row = await total(database, "A", "B", currency="USD")
    assert row.missing_rates == ["EUR"]
    sums = (row.equity, row.cash, row.available_margin, row.today_pnl, row.unrealized_pnl, row.realized_today)
    assert sums == (None,) * 6
    assert (row.accounts, row.equity_at) == (2, MOMENT)


async def test_without_a_wanted_currency_each_keeps_its_own(service: Database, database: Database) -> None:
    await given_account(service, "A")
    await given_account(service, "B", currency="EUR")
    rows = await told(database, account_totals.READ, "A", "B", params=InCurrency(), until=MOMENT)
    assert [row.currency for row in rows] == ["EUR", "USD"]
    assert await told(database, account_totals.READ, "C", params=InCurrency("USD"), until=MOMENT) == []


@pytest.mark.parametrize("currency", ["usd", "", "U", "U$D"])
def test_what_is_no_currency_is_refused_by_the_parameters_name(currency: str) -> None:
    with pytest.raises(ValueError, match="currency: got"):
        InCurrency(currency)
