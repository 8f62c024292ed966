"""The paths of the API beside the reads, as a script meets them: fixed names, one currency flat, several apart."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from main.database.address import Address
from main.database.pool import Database
from main.monitoring.api.named_paths import NAMED
from tests.api_site import DAY, HOUR, NOW, api_on, given_trading
from tests.given import (
    given_account,
    given_daily,
    given_heartbeat,
    given_host,
    given_service,
    given_snapshots,
    given_trade,
    insert,
)
from tests.given_orders import given_order

ENVELOPE = {"as_of", "moment", "state", "since", "accounts", "range", "error", "note"}
PATHS = [path.path for path in NAMED]


@asynccontextmanager
async def answering(database: Database, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with api_on(database, tmp_path) as client:
        yield client


@pytest.fixture
async def api(database: Database, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with api_on(database, tmp_path) as client:
        yield client


async def document(api: httpx.AsyncClient, path: str, **query: Any) -> dict[str, Any]:
    answer = await api.get(path, params=query)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    assert told.keys() >= ENVELOPE, path
    assert "read;dur=" in answer.headers["server-timing"], path
    assert "total;dur=" in answer.headers["server-timing"], path
    return told


@pytest.mark.parametrize("path", PATHS)
async def test_every_path_answers_on_an_empty_database(api: httpx.AsyncClient, path: str) -> None:
    told = await document(api, path)
    assert told["accounts"] == []


async def test_one_account_is_told_flat_by_the_fixed_names(service: Database, api: httpx.AsyncClient) -> None:
    await given_trading(service)
    await given_snapshots(
        service,
        NOW,
        symbol="BTC-USD",
        source="market-A",
        best_bid="99.995",
        best_ask="100.005",
        bid_depth=3,
        ask_depth=4,
        spread_bps=1,
    )
    market = await document(api, "/api/market/current")
    expected = {"mid_price": 100, "best_bid": 100.0, "best_ask": 100.01, "bid_depth": 3, "ask_depth": 4}
    assert market | expected | {"spread_bps": 1} == market
    history = await document(api, "/api/market/spread_history", limit=10)
    assert [point["mid_price"] for point in history["items"]] == [100]
    assert history["symbol"] == "BTC-USD"
    cumulative = await document(api, "/api/cumulative-pnl")
    assert {name: cumulative[name] for name in ("all_time", "dtd")} == {"all_time": 20.01, "dtd": 30.01}
    assert cumulative.keys() >= {"ytd", "mtd", "wtd"}
    balance = await document(api, "/api/balance")
    assert (balance["balance"], balance["currency"], balance["items"][0]["balance"]) == (1020.01, "USD", 1020.01)
    history = await document(api, "/api/balance/history", days=30)
    assert [point["balance"] for point in history["items"]][-1] == 1020.01
    assert history["range"] == "30d"
    stats = await document(api, "/api/stats")
    assert (stats["trades"], stats["win_rate"], stats["net_pnl"]) == (2, 0.5, 20.01)
    positions = await document(api, "/api/positions")
    assert [(row["symbol"], row["unrealized_pnl"]) for row in positions["items"]] == [("BTC-USD", 100)]
    assert (await document(api, "/api/performance/unrealized_pnl"))["unrealized_pnl"] == 100
    orders = await document(api, "/api/orders")
    assert orders["total"] == 1
    status = await document(api, "/api/status")
    assert (status["status"], status["error_count"], status["uptime_seconds"]) == ("online", 3, 21)
    assert status["last_update"] is not None


async def test_trades_are_filtered_paged_and_summed(service: Database, api: httpx.AsyncClient) -> None:
    await given_trading(service)
    told = await document(api, "/api/trades", symbol="btc", segment="spot", limit=1)
    assert [row["pnl"] for row in told["items"]] == [30.01]
    names = {"id", "symbol", "entry_time", "exit_time", "entry_price", "exit_price", "quantity", "pnl", "type"}
    assert told["items"][0].keys() >= names
    assert told["items"][0]["entry_price"] == 100.12
    summary = told["summary"]
    assert {name: summary[name] for name in ("total_trades", "total_profit", "total_loss", "net_pnl", "win_rate")} == {
        "total_trades": 1,
        "total_profit": 30.01,
        "total_loss": 0,
        "net_pnl": 30.01,
        "win_rate": 1.0,
    }
    assert summary["reasons"]["profit_factor"]
    both = await document(api, "/api/trades", limit=1, offset=1, sort="exit_time")
    assert ([row["pnl"] for row in both["items"]], both["total"]) == ([30.01], 2)
    yesterday = (NOW - DAY).date()
    told = await document(api, "/api/trades", start_date=str(yesterday - DAY), end_date=str(yesterday), symbol="ETH")
    assert [row["pnl"] for row in told["items"]] == [-10]
    assert (await document(api, "/api/trades", end_date="2020-01-01"))["total"] == 0


async def test_exact_decimals_are_texts_with_every_digit(service: Database, api: httpx.AsyncClient) -> None:
    await given_trading(service)
    told = await document(api, "/api/trades", symbol="BTC", decimals="string")
    assert Decimal(told["items"][0]["pnl"]) == Decimal("30.005")
    assert Decimal(told["items"][0]["entry_price"]) == Decimal("100.123456")


async def test_the_calendar_is_a_number_a_day(service: Database, api: httpx.AsyncClient) -> None:
    await given_account(service)
    day = datetime(2026, 3, 4, 12, tzinfo=UTC)
    await given_trade(service, 12, day)
    await given_trade(service, "0.3", day + HOUR)
    told = await document(api, "/api/pnl-calendar", year=2026)
    assert told["2026-03-04"] == 12.3
    assert [row["trades"] for row in told["items"]] == [2]


async def test_what_was_closed_is_broken_down_by_day_week_and_month(service: Database, api: httpx.AsyncClient) -> None:
    await given_trading(service)
    told = await document(api, "/api/performance/pnl_breakdown")
    for name in ("daily", "weekly", "monthly"):
        assert sum(row["net_pnl"] for row in told[name]) == pytest.approx(20.01), name
    assert len((await document(api, "/api/performance/pnl_breakdown", limit=1))["daily"]) == 1


async def test_the_days_loss_is_told_in_per_cent_of_its_limit(service: Database, api: httpx.AsyncClient) -> None:
    await given_account(service)
    await given_heartbeat(service, NOW)
    await given_daily(service, NOW.date(), loss_used=30, loss_limit=120, at=NOW)
    told = await document(api, "/api/daily-stats")
    assert (told["loss_used"], told["loss_limit"], told["percentage"], told["loss_share"]) == (30, 120, 25.0, 0.25)


async def test_a_missing_figure_is_null_with_its_reason(service: Database, api: httpx.AsyncClient) -> None:
    await given_trading(service)
    for path in ("/api/performance/metrics", "/api/metrics"):
        told = await document(api, path)
        assert told["sharpe"] is None
        assert told["reasons"]["sharpe"] == told["items"][0]["reasons"]["sharpe"] != ""
        assert told["win_rate"] == 0.5
        assert "win_rate" not in told["reasons"]
        assert told["accounts"] == ["A"]


async def test_a_bots_own_values_are_among_the_metrics_by_their_names(
    service: Database, api: httpx.AsyncClient
) -> None:
    await given_trading(service)
    row = {"source": "bot", "name": "equity", "account_id": "A", "at": NOW, "recorded_at": NOW}
    await insert(service, "custom_metrics", [row | {"value": "0.12345678", "unit": "orders"}])
    told = await document(api, "/api/metrics")
    (named,) = told["custom_metrics"]
    assert (named["name"], named["account"], named["value"], named["unit"]) == ("equity", "A", 0.12345678, "orders")
    assert told["equity"] != named["value"]


async def test_currencies_are_never_added(service: Database, api: httpx.AsyncClient) -> None:
    await given_trading(service)
    await given_trading(service, "B", currency="EUR")
    for path, name in (
        ("/api/balance", "balance"),
        ("/api/cumulative-pnl", "all_time"),
        ("/api/stats", "net_pnl"),
        ("/api/metrics", "equity"),
        ("/api/performance/metrics", "period_return"),
        ("/api/performance/unrealized_pnl", "unrealized_pnl"),
        ("/api/performance/pnl_breakdown", "daily"),
        ("/api/daily-stats", "loss_used"),
    ):
        told = await document(api, path)
        assert told[name] is None, path
        assert "currencies" in told["note"], path
        assert sorted(item["currency"] for item in told["items"]) == ["EUR", "USD"], path
        alone = await document(api, path, accounts="B")
        assert alone["currency"] == "EUR", path
        assert alone[name] == alone["items"][0][name], path
    told = await document(api, "/api/trades")
    assert told["summary"]["net_pnl"] is None
    assert {row["currency"]: row["net_pnl"] for row in told["by_currency"]} == {"EUR": 20.01, "USD": 20.01}
    calendar = await document(api, "/api/pnl-calendar")
    assert calendar[str((NOW - HOUR).date())] is None
    points = (await document(api, "/api/balance/history", limit=1))["items"]
    assert [point["currency"] for point in points] == ["EUR", "USD"]


async def test_of_several_bots_the_one_that_is_worst_off_is_the_status(
    service: Database, api: httpx.AsyncClient
) -> None:
    await given_account(service)
    await given_account(service, "B")
    await given_heartbeat(service, NOW, interval_seconds=3600)
    await given_heartbeat(service, NOW, "B", status="error", interval_seconds=3600)
    told = await document(api, "/api/status")
    assert (told["status"], told["account"]) == ("error", "B")
    assert [row["status"] for row in told["items"]] == ["online", "error"]


async def test_a_bot_that_was_never_heard_of_is_offline(service: Database, api: httpx.AsyncClient) -> None:
    await given_account(service)
    told = await document(api, "/api/status")
    assert (told["status"], told["account"], told["last_update"]) == ("offline", "A", None)


async def test_health_tells_of_machine_database_processes_and_bots(service: Database, api: httpx.AsyncClient) -> None:
    await given_host(service, 0.25, ending=NOW)
    await given_service(service, "worker", kind="worker")
    told = await document(api, "/api/system/health")
    assert (told["cpu"], told["memory"], told["disk"]) == (0.25, 0.25, 0.25)
    assert told["database"]["reachable"] is True
    assert [each["service"] for each in told["services"]] == ["worker"]


@pytest.mark.parametrize(
    ("path", "query", "named"),
    [
        ("/api/trades", "limit=0", {"limit"}),
        ("/api/trades", "limit=5&offset=-1&side=north&sort=nothing", {"offset", "side", "sort"}),
        ("/api/trades", "start_date=0000-01-01&end_date=yesterday", {"start_date", "end_date"}),
        ("/api/trades", "start_date=2026-02-02&end_date=2026-01-01", {"end_date"}),
        ("/api/trades", "start_date=2026-01-01&range=1W", {"start_date"}),
        ("/api/trades", "symbl=BTC", {"symbl"}),
        ("/api/trades", "symbol=%00", {"symbol"}),
        ("/api/trades", "symbol=a&symbol=b", {"symbol"}),
        ("/api/balance/history", "days=0", {"days"}),
        ("/api/balance/history", "days=99999999999999999999&limit=1e3", {"days", "limit"}),
        ("/api/market/spread_history", "limit=1", {"limit"}),
        ("/api/market/spread_history", "limit=10&points=20", {"limit"}),
        ("/api/market/current", "strategy=%00&symbol=%00", {"strategy", "symbol"}),
        ("/api/pnl-calendar", "year=0", {"year"}),
        ("/api/positions", "as_of=0001-01-01T00:00:00Z&known_at=9999-12-31T23:59:59Z", {"as_of", "known_at"}),
        ("/api/stats", "range=0001-01-01..9999-12-31", {"range"}),
    ],
)
async def test_bad_parameters_are_named_all_at_once(
    api: httpx.AsyncClient, path: str, query: str, named: set[str]
) -> None:
    answer = await api.get(f"{path}?{query}")
    assert answer.status_code == 422, answer.text
    assert {each["name"] for each in answer.json()["errors"]} == named
    assert all(name in answer.json()["detail"] for name in named)


async def test_an_unknown_parameter_is_told_of_with_the_nearest(api: httpx.AsyncClient) -> None:
    assert 'did you mean "start_date"?' in (await api.get("/api/trades?star_date=2026-01-01")).json()["detail"]


async def test_what_can_be_got_can_be_asked_about_without_its_body(api: httpx.AsyncClient) -> None:
    for path in ("/api/trades", "/api/reads", "/api/reads/trades", "/openapi.json"):
        answer = await api.head(path)
        assert (answer.status_code, answer.content) == (200, b""), path


async def test_errors_have_their_timing_and_unknown_paths_are_json(api: httpx.AsyncClient) -> None:
    for path, status in (("/api/nope", 404), ("/api/trades?limit=x", 422), ("/api/trades?accounts=ZZ", 404)):
        answer = await api.get(path)
        assert answer.status_code == status, path
        assert answer.headers["content-type"] == "application/problem+json", path
        assert "total;dur=" in answer.headers["server-timing"], path
    answer = await api.delete("/api/trades")
    assert answer.status_code == 405
    assert "total;dur=" in answer.headers["server-timing"]


async def test_without_a_database_paths_say_so_and_health_tells_what_it_knows(
    server: Address, unused_port: int, tmp_path: Path
) -> None:
    away = Database(replace(server, host="127.0.0.1", port=unused_port), role="app")
    await away.open()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(away.close)
        api = await stack.enter_async_context(answering(away, tmp_path))
        answer = await api.get("/api/balance")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.json()["state"] == "unreachable"
        told = await document(api, "/api/system/health")
        assert told["database"]["reachable"] is False
        assert (told["state"], told["cpu"]) == ("unreachable", None)
        assert told["error"]


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


async def test_a_strategy_that_is_not_there_is_refused_with_those_that_are_and_one_that_only_ordered_is_not(
    service: Database, api: httpx.AsyncClient
) -> None:
    asked = ("/api/trades", "/api/reads/trades", "/api/export/trades")
    await given_account(service, "A")
    for path in asked:  # where nobody has named any, none is refused
        assert (await api.get(path, params={"strategy": "sector_rotation"})).status_code == 200, path
    await given_trade(service, 5, NOW - HOUR, "A", strategy="sector_rotation")
    await given_order(service, "waiting", NOW, account_id="A", strategy="quotes")
    for path in asked:
        async with asyncio.timeout(8):  # the answer of a moment ago, that there is none, may be given for a second
            while (refused := await api.get(path, params={"strategy": "rotation"})).status_code == 200:
                await asyncio.sleep(0.05)
        assert refused.status_code == 404, path
        assert 'unknown strategy "rotation"' in refused.json()["detail"]
        assert "sector_rotation" in refused.json()["detail"]
        for there in ("sector_rotation", "quotes"):
            assert (await api.get(path, params={"strategy": there})).status_code == 200, (path, there)
