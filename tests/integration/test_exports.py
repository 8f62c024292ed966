"""An export is exactly the filtered list: the same rows as all its pages, whatever the format, at one moment."""

import asyncio
import csv
import io
import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import asyncpg
import httpx
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from main.database.address import Address
from main.database.pool import Database
from main.domain.scope import Scope
from main.errors import ConfigurationError, ExportsBusy
from main.exporters import exports as engine
from main.exporters import source
from main.exporters.exports import Export, Exports
from main.exporters.format import Column, Kind
from main.exporters.formats import FORMATS
from main.monitoring.api import exporting
from main.monitoring.read import reads
from main.monitoring.reads import trades
from main.monitoring.reads.trades import TradesPage
from tests.api_site import api_on
from tests.given import MINUTE, MOMENT, given_account, given_trade
from tests.given_orders import given_order
from tests.given_trades import Closed, asked_with, given_closed, random_trades

VIEW = {"range": "All", "as_of": MOMENT.isoformat()}
PAST = Scope(("A",), "All", as_of=MOMENT)
FILTERS = (
    {},
    {"symbol": "usd"},
    {"side": "short", "sort": "pnl"},
    {"exit_type": "stop_loss", "sort": "-symbol"},
    {"strategy": "breakout", "symbol": "AA", "side": "long"},
    {"symbol": "nothing like it"},
)


@pytest.fixture
async def api(database: Database, service: Database, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    await given_account(service)
    async with api_on(database, tmp_path) as client:
        yield client


@pytest.fixture
async def exports(database: Database) -> AsyncIterator[Exports]:
    made = Exports(database.address)
    yield made
    await made.close()


async def given_many(service: Database, count: int, account: str = "A") -> list[Closed]:
    given = random_trades(Random(count), [MOMENT - index * MINUTE for index in range(count)], account)
    await given_closed(service, given)
    return given


async def given_long(service: Database, count: int, letters: int) -> None:
    """Trades with long notes, made by the database itself."""
    async with service.scoped() as connection:
        await connection.execute(
            "INSERT INTO trades (account_id, source, source_id, symbol, transaction_type, quantity, entry_time, "
            "exit_time, entry_price, exit_price, gross_pnl, fees, realized_pnl, notes) "
            "SELECT 'A', 's', n::text, 'BTC', 'BUY', 1, $1::timestamptz, $1::timestamptz, 100, 101, 1, 0, 1, "
            "repeat('x', $3::int) FROM generate_series(1, $2::int) n",
            MOMENT,
            count,
            letters,
        )


async def exported(api: httpx.AsyncClient, form: str, name: str = "trades", **given: str) -> httpx.Response:
    answer = await api.get(f"/api/export/{name}", params=VIEW | {"accounts": "A", "format": form} | given)
    assert answer.status_code == 200, answer.text
    return answer


def lines(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def test_an_export_is_all_pages_of_the_filtered_list_one_after_the_other(
    api: httpx.AsyncClient, service: Database, database: Database
) -> None:
    await given_many(service, 230)
    for given in FILTERS:
        await same_as_its_pages(api, database, given)


async def same_as_its_pages(api: httpx.AsyncClient, database: Database, given: dict[str, str]) -> None:
    rows = lines((await exported(api, "csv", **given)).text)
    wanted = TradesPage(**{name: text for name, text in given.items() if name != "strategy"}, limit=50)
    scope = replace(PAST, strategy=given.get("strategy")).resolved(MOMENT)
    items, summary = [], None
    for offset in range(0, 300, 50):
        page: trades.TradesFound = await asked_with(database, trades.READ, scope, replace(wanted, offset=offset))
        items += page.items
        summary = page.summary
    assert [row["id"] for row in rows] == [item.id for item in items]
    assert summary is not None
    assert len(rows) == sum(each.total_trades for each in summary)
    assert sum((Decimal(row["pnl"]) for row in rows), Decimal(0)) == sum(each.net_pnl for each in summary)


async def test_every_format_has_the_same_rows(api: httpx.AsyncClient, service: Database) -> None:
    await given_many(service, 40)
    rows = lines((await exported(api, "csv")).text)
    array = json.loads((await exported(api, "json", decimals="string")).text)
    of_lines = [json.loads(line) for line in (await exported(api, "ndjson", decimals="string")).text.splitlines()]
    table = pq.read_table(io.BytesIO((await exported(api, "parquet")).content))
    assert array == of_lines
    assert list(array[0]) == list(rows[0]) == table.column_names
    for name in ("id", "symbol", "strategy"):
        assert [row[name] or None for row in rows] == [row[name] for row in array] == table[name].to_pylist()
    money = [Decimal(row["pnl"]) for row in rows]
    assert money == [Decimal(row["pnl"]) for row in array] == table["pnl"].to_pylist()


async def test_parquet_has_exact_numbers_as_decimals_and_times_as_times(
    api: httpx.AsyncClient, service: Database
) -> None:
    await given_trade(service, "0.123456789012345678", MOMENT, entry_price="67000.000000001", tags=["a", "b"])
    table = pq.read_table(io.BytesIO((await exported(api, "parquet")).content))
    assert table.schema.field("pnl").type == pa.decimal128(38, 18)
    assert table.schema.field("exit_time").type == pa.timestamp("us", tz="UTC")
    assert table.schema.field("is_profit").type == pa.bool_()
    assert table.schema.field("hold_seconds").type == pa.float64()
    [row] = table.to_pylist()
    assert (row["pnl"], row["entry_price"]) == (Decimal("0.123456789012345678"), Decimal("67000.000000001"))
    assert (row["exit_time"], row["tags"], row["strategy"]) == (MOMENT, "a; b", None)


async def test_a_list_without_rows_is_a_file_with_its_columns(api: httpx.AsyncClient) -> None:
    answers = {form: await exported(api, form) for form in FORMATS}
    assert {answer.headers["export-rows"] for answer in answers.values()} == {"0"}
    table = pq.read_table(io.BytesIO(answers["parquet"].content))
    assert (table.num_rows, "pnl" in table.column_names) == (0, True)
    assert answers["csv"].text.startswith("id,account,label")
    assert lines(answers["csv"].text) == []
    assert (answers["ndjson"].text, answers["json"].json()) == ("", [])


def test_parquet_refuses_a_number_that_it_cannot_hold_and_rounds_only_the_nineteenth_digit() -> None:
    writer = FORMATS["parquet"].writer([Column("amount", Kind.EXACT)], "number")
    writer.rows([[Decimal("1e30")]])
    with pytest.raises(ConfigurationError, match=r"amount: .* expected numbers of at most 20 digits"):
        writer.end()
    writer = FORMATS["parquet"].writer([Column("amount", Kind.EXACT)], "number")
    amounts = [Decimal("12345678901234567890.000000000000000001"), Decimal("0.1234567890123456785"), None]
    content = writer.begin() + writer.rows([[amount] for amount in amounts]) + writer.end()
    found = pq.read_table(io.BytesIO(content))["amount"].to_pylist()
    assert found == [amounts[0], Decimal("0.123456789012345678"), None]


@pytest.mark.promise(30)
async def test_no_cell_of_a_csv_is_executed_by_a_spreadsheet(api: httpx.AsyncClient, service: Database) -> None:
    await given_trade(service, -5, MOMENT, symbol="=HYPERLINK(1)", strategy="@SUM(1)", notes="+1\n-2", exit_type="-x")
    [row] = lines((await exported(api, "csv")).text)
    assert (row["symbol"], row["strategy"]) == ("'=HYPERLINK(1)", "'@SUM(1)")
    assert (row["notes"], row["exit_type"]) == ("'+1\n-2", "'-x")
    assert Decimal(row["pnl"]) == -5, "a number stays one"


async def test_a_file_is_called_after_what_is_in_it(api: httpx.AsyncClient, service: Database) -> None:
    await given_account(service, "B")
    for account in "CDE":
        await given_account(service, account)
    name = f'attachment; filename="trades_A_{MOMENT:%Y-%m-%d}.csv"'
    assert (await exported(api, "csv")).headers["content-disposition"] == name
    assert (
        f"trades_A-B_{MOMENT:%Y-%m-%d}.ndjson"
        in (await exported(api, "ndjson", accounts="A,B")).headers["content-disposition"]
    )
    several = await exported(api, "parquet", accounts="A,B,C,D")
    assert f"trades_4-accounts_{MOMENT:%Y-%m-%d}.parquet" in several.headers["content-disposition"]
    head = await api.head("/api/export/trades", params=VIEW)
    assert (head.status_code, head.content, head.headers["export-rows"]) == (200, b"", "0")


async def test_a_bad_parameter_is_a_problem_before_the_first_byte(api: httpx.AsyncClient) -> None:
    for name, text in {
        "side": "up",
        "format": "xlsx",
        "limit": "5",
        "offset": "50",
        "range": "2X",
        "symbl": "X",
    }.items():
        answer = await api.get("/api/export/trades", params={name: text})
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert [each["name"] for each in answer.json()["errors"]] == [name]


async def test_what_is_not_there_or_not_the_callers_is_not_found(api: httpx.AsyncClient) -> None:
    assert (await api.get("/api/export/tardes")).status_code == 404
    assert (await api.get("/api/export/trades", params={"accounts": "Z"})).status_code == 404


@pytest.mark.promise(29)
async def test_an_account_that_is_not_asked_for_is_not_in_the_file(api: httpx.AsyncClient, service: Database) -> None:
    await given_account(service, "B")
    await given_trade(service, 1, MOMENT, "A")
    await given_trade(service, 2, MOMENT, "B")
    assert [row["account"] for row in lines((await exported(api, "csv")).text)] == ["A"]


async def test_every_read_can_be_exported_to_every_format(api: httpx.AsyncClient) -> None:
    stored = [name for name, read in reads().items() if read.source == "sql"]
    asked = [name for name in stored if reads()[name].params is None or reads()[name].defaults]
    for name, form in itertools.product(asked, FORMATS):
        answer = await api.get(f"/api/export/{name}", params={"accounts": "A", "format": form})
        assert answer.status_code == 200, answer.text


async def test_a_list_without_a_query_of_its_own_is_exported_page_after_page(
    exports: Exports, service: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await given_account(service)
    given = await given_many(service, 25)
    monkeypatch.setattr(source, "BATCH", 10)
    export = await exports.listing(replace(trades.READ, listing=None), PAST, None)
    assert await drained(export) == export.source.count == len(given)


async def test_orders_of_every_state_are_exported_beyond_a_page(api: httpx.AsyncClient, service: Database) -> None:
    for index in range(60):
        await given_order(service, f"o{index}", MOMENT - index * MINUTE, account_id="A")
    rows = lines((await exported(api, "csv", "orders", state="all")).text)
    assert [row["order_id"] for row in rows] == [f"o{index}" for index in range(60)]
    assert len(lines((await exported(api, "csv", "orders", state="all", status="filled")).text)) == 0


async def test_what_is_written_meanwhile_is_not_in_it(exports: Exports, service: Database) -> None:
    await given_account(service)
    await given_many(service, 10)
    export = await exports.listing(trades.READ, replace(PAST, as_of=None), None)
    await given_trade(service, 1, MOMENT - timedelta(hours=3))
    assert await drained(export) == export.source.count == 10


async def drained(export: Export) -> int:
    """Take all of it as lines, and count them."""
    count = 0
    async for chunk in export.chunks(FORMATS["ndjson"]):
        count += chunk.count(b"\n")
    await export.close()
    return count


async def test_more_rows_than_an_export_has_are_refused_by_number(
    exports: Exports, service: Database, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await given_many(service, 11)
    with pytest.raises(ConfigurationError, match="at most 10 rows at once: choose a shorter range"):
        await exports.listing(trades.READ, PAST, None, most=10)
    assert await drained(await exports.listing(trades.READ, PAST, None, most=11)) == 11
    monkeypatch.setattr(engine.Exports.listing, "__defaults__", (10,))
    answer = await api.get("/api/export/trades", params=VIEW)
    assert (answer.status_code, "at most 10 rows" in answer.json()["detail"]) == (422, True)


async def test_no_more_exports_than_there_are_places_run_at_once(
    exports: Exports, service: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await given_account(service)
    monkeypatch.setattr(engine, "WAIT_SECONDS", 0.05)
    under_way = [await exports.listing(trades.READ, PAST, None) for _ in range(engine.PLACES)]
    with pytest.raises(ExportsBusy, match="ask again"):
        await exports.listing(trades.READ, PAST, None)
    for each in under_way:
        await each.close()
    assert await drained(await exports.listing(trades.READ, PAST, None)) == 0


@pytest.fixture
async def admin(address: Address) -> AsyncIterator[asyncpg.Connection]:
    """The database as its administrator sees it: others' connections too."""
    connection = await asyncpg.connect(**address.connect_arguments(), timeout=5, command_timeout=30)
    yield connection
    await connection.close()


async def states(admin: asyncpg.Connection, wanted: list[str]) -> None:
    """Wait until the connections of exports do this."""
    query = (
        "SELECT state FROM pg_stat_activity "
        "WHERE application_name = 'ai-trader export' AND datname = current_database()"
    )
    async with asyncio.timeout(15):
        while [row["state"] for row in await admin.fetch(query)] != wanted:
            await asyncio.sleep(0.05)


async def test_who_goes_in_the_middle_frees_the_connection(
    api: httpx.AsyncClient, service: Database, admin: asyncpg.Connection
) -> None:
    await given_long(service, 6_000, 3_000)
    async with api.stream("GET", "/api/export/trades", params=VIEW | {"format": "json"}):
        await states(admin, ["idle in transaction"])
    await states(admin, ["idle"])


async def test_who_takes_nothing_any_more_frees_the_connection(
    api: httpx.AsyncClient, service: Database, admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await given_long(service, 6_000, 3_000)
    monkeypatch.setattr(exporting, "STALL_SECONDS", 0.5)
    async with api.stream("GET", "/api/export/trades", params=VIEW | {"format": "json"}):
        await states(admin, ["idle in transaction"])
        await states(admin, ["idle"])


@pytest.mark.parametrize("form", ["csv", "parquet"])
async def test_a_long_list_does_not_stay_in_memory(exports: Exports, service: Database, form: str) -> None:
    await given_account(service)
    await given_long(service, 50_000, 200)
    process = psutil.Process()
    export = await exports.listing(trades.READ, PAST, None)
    chunks = export.chunks(FORMATS[form])
    await anext(chunks)
    before, most, length = process.memory_info().rss, 0, 0
    async for chunk in chunks:
        length += len(chunk)
        most = max(most, process.memory_info().rss - before)
    await export.close()
    assert export.source.count == 50_000
    assert length > 100_000
    assert most < 60 * 1024 * 1024
