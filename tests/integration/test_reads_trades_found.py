"""Trades that match several things at once are found and summed up from what is kept as by a look at each of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from main.database.kept_days import roll_trade_days
from main.database.pool import Database
from main.domain.scope import Scope
from main.monitoring.reads import pnl_by, pnl_by_period, trade_distribution, trade_statistics, trades
from main.monitoring.reads.pnl_by import PnlByParams
from main.monitoring.reads.pnl_by_period import PeriodParams
from main.monitoring.reads.trades import TradesPage
from main.monitoring.trade_filter import TradeFilter
from tests.given import DAY, HOUR, MOMENT, given_account, insert, live
from tests.given_orders import asked_for
from tests.given_trades import asked_with

LENGTH = 200 * DAY
SYMBOLS = ("AAPL", "AMZN", "BTC/USD", "X")
EXITS = ("signal", "stop_loss", None)
SEGMENTS = ("equity", None)
TAGS = ("news", "late", "plan")
FILTERS: tuple[dict[str, str], ...] = (
    {},
    {"symbol": "a"},
    {"symbol": "btc", "side": "long"},
    {"symbol": "AAPL", "exit_type": "signal", "segment": "equity"},
    {"symbol": "nowhere", "side": "short"},
    {"exit_type": "stop_loss", "side": "short"},
    {"segment": "equity"},
    {"tag": "news"},
    {"tag": "late", "symbol": "A", "side": "long"},
)
_numbers = count(1)


def random_rows(chance: Random, account: str, many: int, rare: float) -> list[dict[str, Any]]:
    """Trades over the whole length, which have an exit type, a tag or BTC as rarely as is wished."""
    rows = []
    for _ in range(many):
        at = MOMENT - timedelta(seconds=chance.randrange(int(LENGTH.total_seconds())))
        fees, net = (Decimal(chance.randrange(low, 5_000)) / 100 for low in (0, -5_000))
        rows.append(
            {
                "account_id": account,
                "source": "sim",
                "source_id": f"t{next(_numbers)}",
                "symbol": "BTC/USD" if chance.random() < rare else chance.choice(SYMBOLS[:2] + SYMBOLS[3:]),
                "segment": chance.choice(SEGMENTS),
                "transaction_type": chance.choice(("BUY", "SELL")),
                "quantity": 1,
                "entry_time": at - HOUR,
                "exit_time": at,
                "entry_price": 100,
                "exit_price": 100,
                "gross_pnl": net + fees,
                "fees": fees,
                "realized_pnl": net,
                "exit_type": "signal" if chance.random() > rare else chance.choice(EXITS),
                "strategy": chance.choice(("quotes", "rotation", None)),
                "tags": [tag for tag in TAGS if chance.random() < rare],
                "revision": 0,
            }
        )
    return rows


def corrected(chance: Random, row: dict[str, Any]) -> dict[str, Any]:
    """A higher revision: of another day, symbol and tag, or a bust."""
    moved = row["exit_time"] - chance.choice((0, 30)) * DAY
    return row | {
        "revision": 1,
        "symbol": chance.choice(SYMBOLS),
        "entry_time": moved - HOUR,
        "exit_time": moved,
        "quantity": chance.choice((0, 2)),
        "tags": [chance.choice(TAGS)],
    }


def matching(rows: Sequence[dict[str, Any]], tags: dict[str, list[str]], asked: dict[str, str]) -> list[str]:
    """The ids of those that match, newest first, by looking at each."""
    newest = {row["source_id"]: row for row in sorted(rows, key=lambda row: row["revision"])}
    kept = [
        row
        for row in newest.values()
        if row["quantity"] > 0
        and asked.get("symbol", "").lower() in row["symbol"].lower()
        and asked.get("segment") in (None, row["segment"])
        and asked.get("exit_type") in (None, row["exit_type"])
        and asked.get("side") in (None, "long" if row["transaction_type"] == "BUY" else "short")
        and asked.get("strategy") in (None, row["strategy"])
        and ("tag" not in asked or asked["tag"] in tags.get(row["source_id"], row["tags"]))
    ]
    kept.sort(key=lambda row: row["source_id"])
    kept.sort(key=lambda row: row["exit_time"], reverse=True)
    return [f"{row['account_id']}/sim/{row['source_id']}" for row in kept]


async def answers(database: Database, scope: Scope, asked: dict[str, Any]) -> list[Any]:
    """What every read that takes the filters says."""
    found = [
        await asked_with(database, read, scope, TradeFilter(**asked))
        for read in (trade_statistics.READ, trade_distribution.READ)
    ]
    found += [await asked_with(database, pnl_by_period.READ, scope, PeriodParams(**asked, period="month"))]
    found += [
        await asked_for(database, pnl_by.READ, scope, by=by, **asked)
        for by in ("symbol", "side", "exit_type", "hour", "strategy", "weekday")
    ]
    assert PnlByParams(**asked)
    return found


async def pages(database: Database, scope: Scope, asked: dict[str, Any]) -> tuple[list[str], int]:
    """All ids that are listed, page by page, and how many there are said to be."""
    ids: list[str] = []
    while True:
        page = await asked_with(database, trades.READ, scope, TradesPage(**asked, limit=9, offset=len(ids)))
        ids += [item.id for item in page.items]
        if len(page.items) < 9 or len(ids) > 40:
            return ids, page.total


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10_000),
    rare=st.sampled_from((0.01, 0.1, 0.5)),
    strategy=st.sampled_from((None, "quotes")),
    late=st.sampled_from(("nothing", "trades", "corrections", "notes")),
    followed=st.booleans(),
)
async def test_trades_that_match_are_those_that_a_look_at_each_finds_whatever_comes_late(
    service: Database, database: Database, *, seed: int, rare: float, strategy: str | None, late: str, followed: bool
) -> None:
    chance, name = Random(seed), f"T{next(_numbers)}"
    await given_account(service, name, zone="America/New_York", roll_over=17 * HOUR)
    rows = random_rows(chance, name, 250, rare)
    await insert(service, "trades", rows)
    assert await roll_trade_days(service) > 0
    tags: dict[str, list[str]] = {}
    if late == "trades":
        rows += (later := random_rows(chance, name, 10, 0.5))
        await insert(service, "trades", later)
    elif late == "corrections":
        rows += (later := [corrected(chance, row) for row in chance.sample(rows, 10)])
        await insert(service, "trades", later)
    elif late == "notes":
        tags = {row["source_id"]: [chance.choice(TAGS)] for row in chance.sample(rows, 10)}
        await insert(service, "trade_notes", [note(name, noted, words) for noted, words in tags.items()])
    if followed:
        await roll_trade_days(service)
    scope = live(name, window="All", moment=MOMENT, strategy=strategy)
    for asked in FILTERS:
        ids = matching(rows, tags, asked | ({"strategy": strategy} if strategy else {}))
        listed, total = await pages(database, scope, asked)
        assert (listed, total) == (ids[: len(listed)], len(ids))
        assert len(listed) == len(ids) or len(listed) > 40
    kept = [await answers(database, scope, asked) for asked in FILTERS]
    async with service.scoped() as connection:
        await connection.execute("DELETE FROM trade_days_progress")
    assert kept == [await answers(database, scope, asked) for asked in FILTERS]


def note(
    account: str, source_id: str, tags: list[str], at: datetime = MOMENT - HOUR, revision: int = 1
) -> dict[str, Any]:
    return {
        "account_id": account,
        "source": "sim",
        "source_id": source_id,
        "revision": revision,
        "at": at,
        "written_by": "ann",
        "tags": tags,
    }


async def test_a_tag_counts_as_it_was_at_the_moment_that_is_asked_about_though_the_sums_know_a_later_one(
    service: Database, database: Database
) -> None:
    await given_account(service)
    rows = [row | {"tags": ["news"]} for row in random_rows(Random(1), "A", 40, 0.1)]
    await insert(service, "trades", rows)
    await insert(service, "trade_notes", [note("A", rows[0]["source_id"], ["late"], MOMENT + DAY)])
    await roll_trade_days(service)
    for moment, news, late in ((MOMENT, 40, 0), (MOMENT + 2 * DAY, 39, 1)):
        scope = live(window="All", moment=moment)
        assert (await pages(database, scope, {"tag": "news"}))[1] == news
        assert (await pages(database, scope, {"tag": "late"}))[1] == late


async def test_what_matches_no_trade_of_years_is_not_looked_for_among_them(
    service: Database, database: Database
) -> None:
    await given_account(service)
    rows = [row | {"transaction_type": "BUY", "tags": []} for row in random_rows(Random(2), "A", 300, 0.1)]
    await insert(service, "trades", rows)
    await roll_trade_days(service)
    async with service.scoped() as connection:
        # What is kept is believed: so it is seen that the trades themselves were not asked.
        await connection.execute(
            "UPDATE trade_days SET exit_type = 'kept' WHERE part = 'group' AND exit_type = 'signal'"
        )
    scope = live(window="All", moment=MOMENT)
    listed, total = await pages(database, scope, {"exit_type": "signal", "side": "long"})
    ends = {row["source_id"] for row in rows if row["exit_time"] > MOMENT - DAY or row["exit_time"] < MOMENT - LENGTH}
    assert {each.rsplit("/", 1)[1] for each in listed} <= ends
    assert total <= len(ends)


async def test_a_name_of_pages_stops_no_sum(service: Database, database: Database) -> None:
    name = "".join(Random(3).choices([chr(code) for code in range(0x4E00, 0x9000)], k=20_000))
    await given_account(service)
    row = random_rows(Random(4), "A", 1, 0.1)[0]
    await insert(service, "trades", [row | {"strategy": name, "exit_type": name, "segment": name, "tags": [name]}])
    assert await roll_trade_days(service) > 0
    scope = live(window="All", moment=MOMENT)
    found = await asked_for(database, pnl_by.READ, scope, by="exit_type")
    assert [part.name for part in found] == [name]


@pytest.mark.parametrize("symbols", [3, 30])
async def test_a_text_that_many_symbols_hold_finds_the_newest_of_all_of_them(
    symbols: int, service: Database, database: Database
) -> None:
    await given_account(service)
    rows = [
        row | {"symbol": f"S{place % symbols}", "exit_type": "signal"}
        for place, row in enumerate(random_rows(Random(5), "A", 200, 0.1))
    ]
    await insert(service, "trades", rows)
    await roll_trade_days(service)
    scope = live(window="All", moment=MOMENT)
    for asked in ({"symbol": "s"}, {"symbol": "s", "exit_type": "signal"}, {"symbol": "s", "side": "long"}):
        ids = matching(rows, {}, asked)
        listed, total = await pages(database, scope, asked)
        assert (listed, total) == (ids[: len(listed)], len(ids))
