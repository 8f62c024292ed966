"""The bot as a whole: real prices, real PostgreSQL, real sockets."""

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bokeh_sampledata import stocks

from main.config import Settings, load_settings
from main.database.address import Address
from main.database.pool import Database
from main.domain.events import CashFlow, Fill
from main.domain.ledger import Ledger
from main.errors import ConfigurationError, FeedError, PortInUse, UnknownName
from main.trading.run import run_bot
from tests.running import first_of_free_ports, told

PATIENCE = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def settings_for(folder: Path, feed: str, **trade: object) -> Settings:
    usual = {"account": "SIM", "history_days": 0} if feed == "sim" else {}
    values = {"feed": feed, "health_port": free_port(), **usual, **trade}
    return load_settings(
        {f"trade.{name}": value for name, value in values.items()}, env={"XDG_DATA_HOME": str(folder)}, cwd=folder
    )


def write_prices(folder: Path, days: int) -> None:
    for symbol in ("AAPL", "IBM", "MSFT"):
        data = getattr(stocks, symbol)
        pq.write_table(pa.table({name: list(data[name])[:days] for name in data}), folder / f"{symbol}.parquet")


@asynccontextmanager
async def running(settings: Settings, address: Address) -> AsyncIterator["asyncio.Task[None]"]:
    stop = asyncio.Event()
    bot = asyncio.create_task(run_bot(settings, address, stop))
    try:
        yield bot
    finally:
        stop.set()
        await bot


async def until(met: Callable[[], Awaitable[bool]], bot: "asyncio.Task[None]") -> None:
    async with asyncio.timeout(PATIENCE):
        while not await met():
            if bot.done():
                bot.result()
                raise AssertionError("the bot ended by itself")
            await asyncio.wait({bot}, timeout=0.05)


async def value(service: Database, sql: str, *arguments: object) -> Any:
    async with service.scoped() as connection:
        return await connection.fetchval(sql, *arguments)


async def stored_books(service: Database, account: str) -> Ledger:
    async with service.scoped() as connection:
        fills = await connection.fetch(
            "SELECT at, account_id AS account, source, source_id, revision, symbol, side, quantity, price, fee, "
            "multiplier FROM fills WHERE account_id = $1",
            account,
        )
        flows = await connection.fetch(
            "SELECT at, account_id AS account, source, source_id, revision, kind, amount FROM cash_flows "
            "WHERE account_id = $1",
            account,
        )
    return Ledger.folded(account, "check", [Fill(**dict(f)) for f in fills], [CashFlow(**dict(f)) for f in flows])


async def test_a_replay_of_real_prices_is_traded_to_its_end_and_its_books_follow_from_the_fills(
    tmp_path, address, service
):
    write_prices(tmp_path, 60)
    account = f"REPLAY-{tmp_path.name.replace('_', '-')}"
    settings = settings_for(tmp_path, f"replay:{tmp_path}", speed=500)

    async def finished() -> bool:
        status = (
            "SELECT status = 'finished' FROM bot_heartbeats WHERE account_id = $1 ORDER BY recorded_at DESC LIMIT 1"
        )
        return bool(await value(service, status, account))

    async with running(settings, address) as bot:
        await until(finished, bot)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.trade.health_port}") as client:
            assert (await client.get("/health")).status_code == 200
            status = (await client.get("/status")).json()
            assert (status["status"], status["cycles"]) == ("finished", 60)
            metrics = (await client.get("/metrics")).text
            assert "ai_trader_bot_cycles_total" in metrics
            assert "\nai_trader_recorder_spooled 0.0\n" in metrics
            assert "\nai_trader_recorder_spool_up 1.0\n" in metrics
            assert (await client.get("/health", headers={"Host": "evil.example"})).status_code == 400

    assert await value(service, "SELECT count(*) FROM market_snapshots") == 180
    assert await value(service, "SELECT count(*) FROM fills WHERE account_id = $1", account) > 20
    assert await value(service, "SELECT max(at) FROM bot_heartbeats") == await value(
        service, "SELECT max(at) FROM market_snapshots"
    )
    books = await stored_books(service, account)
    async with service.scoped() as connection:
        equity = await connection.fetchrow("SELECT * FROM trading_pnl WHERE account_id = $1 ORDER BY at DESC", account)
        mids = await connection.fetch(
            "SELECT DISTINCT ON (symbol) symbol, mid, at FROM market_snapshots ORDER BY 1, 3 DESC"
        )
        gross = await connection.fetchval("SELECT sum(gross_pnl) FROM trades WHERE account_id = $1", account)
        rows = await connection.fetch(
            "SELECT symbol, quantity, entry_price, unrealized_pnl FROM positions WHERE is_active"
        )
    for mid in mids:
        books.mark(mid["symbol"], mid["mid"], mid["at"])
    assert (equity["realized_pnl"], equity["unrealized_pnl"], equity["fees"]) == (
        books.realized,
        books.unrealized,
        books.fees,
    )
    assert equity["equity"] == 100_000 + books.realized - books.fees + books.unrealized
    assert gross == books.realized
    assert {row["symbol"]: (row["quantity"], row["entry_price"], row["unrealized_pnl"]) for row in rows} == {
        each.symbol: (each.quantity, each.entry_price, each.unrealized_pnl) for each in books.positions
    }


async def test_a_restarted_bot_goes_on_from_its_fills_its_prices_and_its_last_bar(tmp_path, address, service):
    write_prices(tmp_path, 200)
    slow, quick = (settings_for(tmp_path, f"replay:{tmp_path}", speed=speed, account="R") for speed in (10, 500))

    def some_bars(count: int) -> Callable[[], Awaitable[bool]]:
        async def seen() -> bool:
            return bool(await value(service, "SELECT count(DISTINCT at) >= $1 FROM trading_pnl", count))

        return seen

    async with running(slow, address) as bot:  # not at its end before it is stopped, however late that is
        await until(some_bars(10), bot)
    before = await value(service, "SELECT max(at) FROM trading_pnl")
    open_before = await value(service, "SELECT count(*) FROM orders WHERE status IN ('placed', 'accepted')")
    assert open_before > 0  # time stands still: the quotes stay where they are
    async with running(quick, address) as bot:
        await until(some_bars(200), bot)
    assert await value(service, "SELECT count(*) FROM trading_pnl") == 200  # no bar twice, none left out
    assert await value(service, "SELECT count(*) FROM cash_flows") == 1
    assert await value(service, "SELECT count(*) FROM fills WHERE at > $1", before) > 0
    books = await stored_books(service, "R")
    last = "SELECT realized_pnl FROM trading_pnl ORDER BY at DESC LIMIT 1"
    assert await value(service, last) == books.realized
    assert await value(service, "SELECT sum(gross_pnl) FROM trades") == books.realized


async def test_a_second_account_on_the_same_replay_trades_it_from_its_beginning(tmp_path, address, service):
    write_prices(tmp_path, 30)

    for account in ("R1", "R2"):

        async def over(account: str = account) -> bool:
            return bool(
                await value(
                    service,
                    "SELECT EXISTS (SELECT FROM bot_heartbeats WHERE account_id = $1 AND status = 'finished')",
                    account,
                )
            )

        async with running(settings_for(tmp_path, f"replay:{tmp_path}", speed=500, account=account), address) as bot:
            await until(over, bot)
    curve = "SELECT array_agg((at, equity)::text ORDER BY at) FROM trading_pnl WHERE account_id = $1"
    first = await value(service, curve, "R1")
    assert len(first) == 30
    assert await value(service, curve, "R2") == first


async def some_trades(service: Database) -> bool:
    return bool(await value(service, "SELECT count(*) > 3 FROM trades"))


async def test_what_a_killed_bot_left_undone_is_done_by_the_next(tmp_path, address, service):
    settings = settings_for(tmp_path, "sim", interval=0.1)
    async with running(settings, address) as bot:
        await until(lambda: some_trades(service), bot)
    columns = "source_id, exit_type, quantity, gross_pnl, fees, realized_pnl, position_id"
    last = f"SELECT ({columns})::text FROM trades ORDER BY exit_time DESC, source_id DESC LIMIT 1"
    trade = await value(service, last)
    assert ",signal," in trade
    position = "SELECT position_id FROM positions WHERE NOT is_active ORDER BY at DESC LIMIT 1"
    closed = await value(service, position)
    async with service.scoped() as connection:  # as if the kill had come before these were written
        newest = "source_id = (SELECT source_id FROM trades ORDER BY exit_time DESC, source_id DESC LIMIT 1)"
        await connection.execute(f"DELETE FROM trades WHERE {newest}")
        await connection.execute("UPDATE positions SET is_active = true, quantity = 1 WHERE position_id = $1", closed)
        resting = "order_id = (SELECT max(order_id) FROM orders WHERE filled_quantity = 0)"
        await connection.execute(f"DELETE FROM order_events WHERE {resting} AND kind <> 'placed'")
        await connection.execute(f"UPDATE orders SET status = 'accepted' WHERE {resting}")

    async def mended() -> bool:
        undone = (
            f"SELECT EXISTS (SELECT FROM trades WHERE ({columns})::text = $1) AND NOT EXISTS (SELECT FROM positions "
            "WHERE position_id = $2 AND is_active) AND EXISTS (SELECT FROM orders WHERE status = 'expired' AND reason "
            "LIKE '%restarted')"
        )
        return bool(await value(service, undone, trade, closed))

    async with running(settings, address) as bot:
        await until(mended, bot)


async def test_an_order_whose_fill_was_written_before_the_kill_did_not_expire(tmp_path, address, service):
    settings = settings_for(tmp_path, "sim", interval=0.1)
    async with running(settings, address) as bot:
        await until(lambda: some_trades(service), bot)
    ended = {kind: f"(SELECT max(order_id) FROM orders WHERE status = '{kind}')" for kind in ("filled", "cancelled")}
    columns = "order_id, status, filled_quantity, average_fill_price"
    orders = f"SELECT {columns} FROM orders WHERE order_id = ANY ($1) ORDER BY order_id"
    ids = [await value(service, f"SELECT {wanted}") for wanted in ended.values()]
    async with service.scoped() as connection:  # as if the kill had come before the orders' last states were written
        before = [tuple(row) for row in await connection.fetch(orders, ids)]
        await connection.execute(
            "UPDATE orders SET status = 'accepted', filled_quantity = 0, average_fill_price = NULL "
            "WHERE order_id = ANY ($1)",
            ids,
        )
        await connection.execute("DELETE FROM order_events WHERE order_id = $1 AND kind = 'filled'", ids[0])

    async def settled() -> bool:
        wrong = "SELECT NOT EXISTS (SELECT FROM orders WHERE status = 'accepted' AND order_id = ANY ($1))"
        return bool(await value(service, wrong, ids))

    async with running(settings, address) as bot:
        await until(settled, bot)
    async with service.scoped() as connection:
        assert [tuple(row) for row in await connection.fetch(orders, ids)] == before
        kinds = "SELECT kind FROM order_events WHERE order_id = $1 AND kind IN ('filled', 'cancelled', 'expired')"
        assert [[row[0] for row in await connection.fetch(kinds, each)] for each in ids] == [["filled"], ["cancelled"]]


KILLABLE = """
import asyncio, json, sys
from pathlib import Path
from main.config import load_settings
from main.database.address import Address
from main.trading.run import run_bot

given = json.load(sys.stdin)
settings = load_settings(given["trade"], env={"XDG_DATA_HOME": given["folder"]}, cwd=Path(given["folder"]))
asyncio.run(run_bot(settings, Address(**given["address"]), asyncio.Event()))
"""


async def test_a_bot_killed_twice_goes_on_with_nothing_lost_and_nothing_twice(tmp_path, address, service):
    trade = {"trade.feed": "sim", "trade.interval": 0.1, "trade.health_port": free_port(), "trade.account": "SIM"}
    trade |= {"trade.history_days": 0}
    given = {"trade": trade, "folder": str(tmp_path), "address": told(address)}

    async def more_than(fills: int) -> bool:
        return bool(await value(service, "SELECT count(*) > $1 FROM fills", fills))

    for fills in (2, 6):
        bot = await asyncio.create_subprocess_exec(
            sys.executable, "-c", KILLABLE, stdin=asyncio.subprocess.PIPE, env={"PYTHONPATH": "src"}
        )
        assert bot.stdin is not None
        bot.stdin.write(json.dumps(given).encode())
        bot.stdin.close()
        try:
            await until(lambda fills=fills: more_than(fills), asyncio.create_task(exit_of(bot)))
        finally:
            with contextlib.suppress(ProcessLookupError):  # when it has died by itself, `until` says so
                bot.kill()
            await bot.wait()

    async with running(settings_for(tmp_path, "sim", interval=0.1), address) as last:
        await until(lambda: more_than(10), last)
    books = await stored_books(service, "SIM")
    assert await value(service, "SELECT sum(gross_pnl) FROM trades") == books.realized
    assert await value(service, "SELECT realized_pnl FROM trading_pnl ORDER BY at DESC LIMIT 1") == books.realized
    assert await value(service, "SELECT fees FROM trading_pnl ORDER BY at DESC LIMIT 1") == books.fees
    assert await value(service, "SELECT count(*) FROM cash_flows") == 1
    assert await value(service, "SELECT count(*) FROM system_events WHERE kind = 'start'") == 3
    resting = "SELECT count(*) FROM orders WHERE status IN ('placed', 'accepted', 'partially_filled')"
    assert await value(service, resting) == 0
    held = await value(
        service, "SELECT coalesce(array_agg(symbol ORDER BY symbol), '{}') FROM positions WHERE is_active"
    )
    assert held == [each.symbol for each in books.positions]
    jump = """
        SELECT max(abs(mid / before - 1)) FROM (
            SELECT mid, lag(mid) OVER (PARTITION BY symbol ORDER BY at) AS before FROM market_snapshots) AS moves
    """
    assert await value(service, jump) < Decimal("0.01")  # prices went on from where they were


async def exit_of(process: asyncio.subprocess.Process) -> None:
    await process.wait()


async def test_a_bot_that_cannot_read_its_books_waits_and_says_so(tmp_path, address, service):
    settings = settings_for(tmp_path, "sim", interval=0.1)
    elsewhere = replace(address, port=free_port())

    health = f"http://127.0.0.1:{settings.trade.health_port}"
    async with running(settings, elsewhere) as bot, httpx.AsyncClient(base_url=health) as client:

        async def unwell() -> bool:
            try:
                answer = await client.get("/health")
            except httpx.TransportError:
                return False
            return answer.status_code == 503 and "waiting for the database" in answer.text

        await until(unwell, bot)
    assert await value(service, "SELECT count(*) FROM fills") == 0


class Wire:
    """A TCP line to the database that can be cut and mended."""

    def __init__(self, address: Address) -> None:
        self._target = address
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()
        self.address = replace(address, host="127.0.0.1", port=free_port())

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.address.port)

    async def cut(self) -> None:
        assert self._server is not None
        self._server.close()
        for end in tuple(self._ends):
            end.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self._target.host, self._target.port)
        self._ends |= {writer, far_writer}
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        self._ends -= {writer, far_writer}


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    writer.close()


async def test_a_bot_trades_on_while_the_database_is_away_and_nothing_is_missing_afterwards(tmp_path, address, service):
    wire = Wire(address)
    await wire.mend()
    settings = settings_for(tmp_path, "sim", interval=0.1)
    status_page = f"http://127.0.0.1:{settings.trade.health_port}"
    async with running(settings, wire.address) as bot, httpx.AsyncClient(base_url=status_page) as client:

        async def snapshots(count: int) -> bool:
            return bool(await value(service, "SELECT count(*) >= $1 FROM trading_pnl", count))

        async def cycles_without_database(count: int) -> bool:
            status = (await client.get("/status")).json()
            return status["recorder"]["database_reachable"] is False and status["cycles"] >= count

        await until(lambda: snapshots(3), bot)
        await wire.cut()
        await until(lambda: cycles_without_database(15), bot)
        assert (await client.get("/health")).status_code == 200  # it trades: only its recording is behind
        await wire.mend()
        await until(lambda: snapshots(20), bot)
    await wire.cut()
    cycles = await value(service, "SELECT max(cycle_count) FROM bot_heartbeats")
    assert await value(service, "SELECT count(*) FROM trading_pnl") == cycles
    assert await value(service, "SELECT count(*) FROM market_snapshots") == 8 * cycles


async def test_a_simulated_bot_trades_and_stops_with_a_last_heartbeat(tmp_path, address, service):
    settings = settings_for(tmp_path, "sim", interval=0.1)

    async def traded() -> bool:
        return bool(await value(service, "SELECT count(*) > 0 FROM fills"))

    async with running(settings, address) as bot:
        await until(traded, bot)
    account = await value(service, "SELECT (account_id, mode, source, periods_per_year)::text FROM accounts")
    assert account == "(SIM,simulated,sim,365)"
    assert (
        await value(service, "SELECT status FROM bot_heartbeats ORDER BY at DESC, cycle_count DESC LIMIT 1")
        == "stopped"
    )
    assert await value(service, "SELECT count(*) FROM instruments WHERE sector IS NOT NULL") == 8
    books = await stored_books(service, "SIM")
    assert await value(service, "SELECT realized_pnl FROM trading_pnl ORDER BY at DESC LIMIT 1") == books.realized
    residual = "SELECT max(abs(equity - 100000 - realized_pnl + fees - unrealized_pnl)) FROM trading_pnl"
    assert await value(service, residual) == 0


async def test_an_account_of_another_market_is_refused(tmp_path, address, service):
    (tmp_path / "prices").mkdir()
    write_prices(tmp_path / "prices", 5)

    async def known() -> bool:
        return bool(await value(service, "SELECT count(*) = 1 FROM accounts"))

    async with running(settings_for(tmp_path, "sim", account="SIM", interval=0.1), address) as bot:
        await until(known, bot)
    replay = settings_for(tmp_path, f"replay:{tmp_path / 'prices'}", account="SIM")
    with pytest.raises(ConfigurationError, match="SIM, which trades on sim"):
        await run_bot(replay, address, asyncio.Event())


@pytest.mark.parametrize(
    ("trade", "error", "message"),
    [
        ({"feed": "simm"}, UnknownName, 'unknown feed "simm"; did you mean "sim"'),
        ({"feed": "sim", "strategy": "market_taker"}, UnknownName, 'did you mean "market_maker"'),
        ({"feed": "sim", "broker": "papers"}, UnknownName, 'did you mean "paper"'),
        ({"feed": "replay:nowhere"}, FeedError, "no such file or directory"),
    ],
)
async def test_a_name_that_does_not_exist_is_told_before_anything_begins(tmp_path, address, trade, error, message):
    with pytest.raises(error, match=message):
        await run_bot(settings_for(tmp_path, **trade), address, asyncio.Event())


async def test_a_taken_health_port_names_its_setting(tmp_path, address):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = settings_for(tmp_path, "sim", health_port=taken.getsockname()[1])
        with pytest.raises(PortInUse, match="BOT_HEALTH_PORT"):
            await run_bot(settings, address, asyncio.Event())


def test_the_loss_limit_of_an_account_comes_from_the_settings(tmp_path):
    from main.trading.choice import choose

    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "dashboards.yaml").write_text(
        "accounts:\n  - {id: SIM, label: Mine, daily_loss_limit: 250, position_limit: 1500}\n"
    )
    (seat,) = choose(settings_for(tmp_path, "sim")).seats
    assert (seat.account.label, seat.limits.daily_loss, seat.limits.position) == ("Mine", 250, Decimal(1500))


async def test_without_a_name_three_accounts_share_one_simulated_market_each_with_its_health_server(
    tmp_path, address, service
):
    first = first_of_free_ports(3)
    settings = settings_for(tmp_path, "sim", account=None, interval=0.1, health_port=first)

    async def all_traded() -> bool:
        return bool(await value(service, "SELECT count(DISTINCT account_id) = 3 FROM trading_pnl"))

    async with running(settings, address) as bot, httpx.AsyncClient() as client:
        await until(all_traded, bot)
        told = [(await client.get(f"http://127.0.0.1:{first + number}/status")).json() for number in range(3)]
    assert [each["account"] for each in told] == ["SIM", "SIM-EUR", "SIM-ROTATION"]
    async with service.scoped() as connection:
        rows = await connection.fetch("SELECT * FROM accounts ORDER BY account_id")
    assert [(row["source"], row["currency"], row["zone"], row["benchmark"]) for row in rows] == [
        ("sim", "USD", "UTC", "SIMX"),
        ("sim", "EUR", "UTC", "SIMX"),
        ("sim", "USD", "America/New_York", "SIMX"),
    ]
    again = "SELECT max(n) FROM (SELECT count(*) AS n FROM market_snapshots GROUP BY source, symbol, at) AS counted"
    assert await value(service, again) == 1
    assert await value(service, "SELECT count(DISTINCT health_port) FROM bot_heartbeats") == 3
    assert await value(service, "SELECT bool_and(rss_bytes > 1000000) FROM bot_heartbeats")
    proof = (
        "SELECT max(abs(equity - 100000 - realized_pnl + fees - unrealized_pnl - coalesce(fx_pnl, 0))) FROM trading_pnl"
    )
    assert await value(service, proof) == 0


async def test_what_was_chosen_before_is_not_chosen_again(tmp_path, address, service, monkeypatch):
    from main.trading import run
    from main.trading.choice import choose

    settings = settings_for(tmp_path, "sim", interval=0.1)
    chosen = choose(settings)
    monkeypatch.setattr(run, "choose", None)
    stop = asyncio.Event()
    bot = asyncio.create_task(run_bot(settings, address, stop, chosen))

    async def began() -> bool:
        return bool(await value(service, "SELECT count(*) > 0 FROM trading_pnl"))

    await until(began, bot)
    stop.set()
    await bot


def test_several_accounts_may_each_have_their_own_strategy_currency_and_first_deposit(tmp_path):
    from main.trading.choice import choose

    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "dashboards.yaml").write_text(
        "accounts:\n  - {id: A, strategy: sector_rotation, currency: EUR, initial_deposit: 5000}\n"
    )
    one, two = choose(settings_for(tmp_path, "sim", account="A,B")).seats
    assert (one.account.source, two.account.source) == ("sim:A", "sim:A")
    assert (one.account.currency, one.initial_deposit, one.limits.position) == ("EUR", 5000, 500)
    feed = choose(settings_for(tmp_path, "sim", account="A,B")).feed
    assert (one.strategy(feed).name, two.strategy(feed).name) == ("sector_rotation", "market_maker")
    with pytest.raises(UnknownName, match="unknown strategy"):
        choose(settings_for(tmp_path, "sim", strategy="rotation"))
