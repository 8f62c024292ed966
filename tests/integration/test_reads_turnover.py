"""Turnover against a plain sum over the fills and the equity of each day."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random

import pytest

from main.database.pool import Database
from main.monitoring.reads import turnover
from tests.given import DAY, HOUR, MOMENT, asked, given_account, given_fill, given_instrument, live, past, rolled_up
from tests.given_performance import given_closes

FIRST = date(2026, 9, 21)  # a Monday
DAYS = [FIRST + timedelta(days=step) for step in range(61)]  # the last is MOMENT's, which runs still
END = datetime(2026, 11, 20, tzinfo=UTC)


async def given_equities(service: Database, account: str = "A", scale: int = 1) -> list[float]:
    equities = [scale * (1000.0 + 7 * step) for step in range(len(DAYS))]
    await given_closes(service, DAYS, equities, account)
    return equities[1:-1]


async def test_turnover_is_the_smaller_side_over_the_mean_equity_a_year(service: Database, database: Database) -> None:
    await given_account(service, periods_per_year=365)
    await given_instrument(service, "X")
    equities = await given_equities(service)
    random, sums = Random(4), {"buy": 0.0, "sell": 0.0}
    for _ in range(60):
        at = datetime.combine(random.choice(DAYS), time(random.randrange(24), 30), UTC)
        side, quantity, price = random.choice(("buy", "sell")), random.randrange(1, 9), random.randrange(50, 150)
        await given_fill(service, side, quantity, price, at, multiplier=2)
        if datetime.combine(FIRST, time(20), UTC) < at <= END:
            sums[side] += 2 * quantity * price
    for rolled in (False, True):
        if rolled:
            await rolled_up(service)
        (row,) = await asked(database, turnover.READ, live(window="All"))
        assert (float(row.buys), float(row.sells), row.unpriced) == (sums["buy"], sums["sell"], 0)
        assert (row.days, row.end) == (59, END)
        mean = sum(equities) / len(equities)
        assert row.average_equity == pytest.approx(mean)
        assert row.turnover.value == pytest.approx(min(sums.values()) / mean * 365 / 59)
    assert turnover.READ.scalar is not None
    assert turnover.READ.scalar([row]) == row.turnover.value


async def test_turnover_says_what_is_missing(service: Database, database: Database) -> None:
    await given_account(service, periods_per_year=365)
    assert await asked(database, turnover.READ, live()) == []
    await given_equities(service)
    (row,) = await asked(database, turnover.READ, live(window="All"))
    assert (row.turnover.value, row.buys, row.sells) == (0.0, 0, 0)  # it could have traded and did not
    (short,) = await asked(database, turnover.READ, live(window="1W"))
    assert (short.turnover.value, short.turnover.reason) == (None, "needs 30 days, has 6")
    await given_instrument(service, "E", currency="EUR")
    await given_fill(service, "buy", 1, 100, MOMENT - 9 * DAY, symbol="E")
    (row,) = await asked(database, turnover.READ, live(window="All"))
    assert (row.turnover.value, row.unpriced) == (None, 1)
    assert row.turnover.reason == "1 fills have no rate into the account's currency"


async def test_equity_at_or_below_zero_has_no_turnover(service: Database, database: Database) -> None:
    await given_account(service, periods_per_year=365)
    await given_closes(service, DAYS, [-5.0] * len(DAYS))
    rows = await asked(database, turnover.READ, live(window="All"))
    assert [row.turnover.value for row in rows] in ([], [None])


async def test_a_bust_and_another_currency_and_a_past_moment(service: Database, database: Database) -> None:
    await given_account(service, periods_per_year=365)
    await given_account(service, "B", currency="EUR", source="other", periods_per_year=365)
    equities = await given_equities(service)
    await given_equities(service, "B", scale=3)
    for side in ("buy", "sell"):
        await given_fill(service, side, 10, 100, MOMENT - 20 * DAY)
        await given_fill(service, side, 7, 100, MOMENT - 20 * DAY, account="B", symbol="Y")
    busted = await given_fill(service, "buy", 90, 100, MOMENT - 20 * DAY)
    bust = {"source_id": busted, "revision": 1, "recorded_at": MOMENT - 2 * HOUR}
    await given_fill(service, "buy", 0, 100, MOMENT - 20 * DAY, **bust)
    dollars, euros = sorted(await asked(database, turnover.READ, live("A", "B", window="All")), key=lambda r: -r.buys)
    assert [(row.currency, row.buys, row.sells) for row in (dollars, euros)] == [("USD", 1000, 1000), ("EUR", 700, 700)]
    assert dollars.turnover.value == pytest.approx(1000 / (sum(equities) / 59) * 365 / 59)
    (known,) = await asked(database, turnover.READ, past(MOMENT, window="All", known_at=MOMENT - 3 * HOUR))
    assert (known.buys, known.sells) == (Decimal(10_000), Decimal(1000))
