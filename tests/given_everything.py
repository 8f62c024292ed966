"""Two accounts in two currencies with something of everything that the suite records, for tests that walk all reads."""

from datetime import timedelta

from main.clock import now
from main.database.pool import Database
from main.monitoring.collectors.parts import store_parts
from tests.given import (
    DAY,
    HOUR,
    MINUTE,
    MOMENT,
    fact,
    given_account,
    given_alert,
    given_daily,
    given_equity,
    given_event,
    given_fill,
    given_flow,
    given_heartbeat,
    given_host,
    given_instrument,
    given_order_event,
    given_position,
    given_service,
    given_snapshots,
    given_trade,
    insert,
)
from tests.given_database import given_index, given_relation, given_server, given_session
from tests.given_machine import machine_parts
from tests.given_market import given_bars, given_judgement, given_levels, given_mids, given_model, given_run
from tests.given_orders import given_order
from tests.given_storage import given_stored_things

ACCOUNTS = {"A": "USD", "B": "EUR"}
SYMBOL = "X"
STRATEGY = "maker"
TRADE = "A/bot/the trade"
ORDER = "the order"
_SECOND = timedelta(seconds=1)


async def given_everything(service: Database) -> None:
    """Make it. Both accounts are replays that stand at `MOMENT`, so that live questions have one answer."""
    await given_instrument(
        service, SYMBOL, sector="Things", segment="spot", exchange="EX", calendar="XNYS", tick="0.01"
    )
    for account, currency in ACCOUNTS.items():
        await given_account(service, account, currency=currency, clock="replay", benchmark="INDEX")
        await _money(service, account)
        await _trading(service, account)
    await _market(service)
    await _suite(service)


async def _money(service: Database, account: str) -> None:
    start = 1000 if account == "A" else 5000
    days = [round(start * (1 + 0.01 * ((day * 7) % 5) + 0.002 * day), 2) for day in range(45)]
    await given_equity(service, *days, account=account, ending=MOMENT - DAY, every=DAY, cash=start // 2)
    today = [round(days[-1] + wave, 2) for wave in (0, 20, -30, 10, 40)]
    await given_equity(service, *today, account=account, ending=MOMENT, every=HOUR, cash=start // 2)
    await given_flow(service, 100, MOMENT - 5 * DAY, account)
    await given_flow(service, 3, MOMENT - 2 * HOUR, account, kind="funding")
    await given_daily(service, MOMENT.date(), account, loss_limit=500, loss_used=10)
    await given_heartbeat(service, MOMENT, account, risk_factor="0.5", risk_reason="told so", strategy=STRATEGY)


async def _trading(service: Database, account: str) -> None:
    mine = {"account": account}
    for number in range(40):
        at = MOMENT - number * 20 * HOUR - MINUTE
        net = (-1) ** number * (5 + number % 7)
        told = {"strategy": STRATEGY, "segment": "spot", "tags": ["t"], "exit_type": "signal"}
        await given_trade(service, net, at, account, **told)
    if account == "A":
        await given_trade(service, 9, MOMENT - HOUR, source_id="the trade", entry_time=MOMENT - 2 * HOUR, tags=["t"])
        words = {"notes": "as planned", "tags": ["t", "reviewed"], "written_by": "ann", "revision": 1}
        await insert(service, "trade_notes", [fact(account, MOMENT) | {"source_id": "the trade"} | words])
    placed = MOMENT - HOUR
    order = {"order_id": ORDER, "strategy": STRATEGY, "quantity": 4, "decision_price": 100, "arrival_mid": 100}
    for kind, after in (("placed", 0), ("accepted", 1), ("filled", 3)):
        await given_order_event(service, kind, placed + after * _SECOND, **mine, **order)
    done = {"status": "filled", "quantity": 4, "filled_quantity": 3, "decision_price": 100, "arrival_mid": 100}
    await given_order(service, ORDER, placed, account_id=account, strategy=STRATEGY, **done)
    await _fills(service, account)
    await given_order(service, "waits", placed, account_id=account, strategy=STRATEGY)
    await given_order(service, "no", placed, account_id=account, status="rejected", reason="no margin")
    await given_order_event(service, "rejected", placed, **mine, order_id="no", reason="no margin")
    await given_position(service, account=account, strategy=STRATEGY, initial_stop=95)


async def _fills(service: Database, account: str) -> None:
    for number in range(3):
        told = {"order_id": ORDER, "strategy": STRATEGY, "arrival_mid": 100, "decision_price": 100, "fee": "0.5"}
        at = MOMENT - HOUR + (2 + number) * _SECOND
        await given_fill(service, "buy", 1, 101 + number, at, account=account, liquidity="maker", **told)


async def _market(service: Database) -> None:
    await given_mids(service, *(100 + n % 9 for n in range(200)), every=10 * MINUTE, spread_bps=2)
    book = {"best_bid": 99, "best_ask": 101, "spread_bps": 200, "bid_depth": 5, "ask_depth": 4}
    levels = {"bid_prices": [99, 98], "bid_sizes": [2, 3], "ask_prices": [101, 102], "ask_sizes": [1, 3]}
    await given_snapshots(service, MOMENT - _SECOND, **book, **levels)
    await given_bars(service, [100 + n % 11 for n in range(130)])
    await given_bars(service, [50 + n % 13 for n in range(130)], "INDEX")
    await given_levels(service, "INDEX", "index", *(50 + n % 13 for n in range(60)))
    await given_model(service, "m", strategy=STRATEGY, budget=5000, universe=[SYMBOL])
    for days in (1, 2, 3):
        await given_judgement(service, "m", MOMENT - days * DAY / 8, accuracy="0.6", ic="0.1", sharpe="1.5")
    await given_run(service, "prices", MOMENT - HOUR, MOMENT, rows_in=5, lag_seconds=1, slo_seconds=5)


async def _suite(service: Database) -> None:
    await given_alert(service, "It fell", MOMENT - HOUR, account_id="A", value="1.5", threshold=1)
    await given_alert(service, "It rose", MOMENT - 2 * HOUR, resolved_at=MOMENT - HOUR)
    await given_event(service, "trading_blocked", "warning", MOMENT - HOUR, account_id="A")
    await given_host(service, *(0.2 + n / 100 for n in range(30)))
    await given_service(service, "trading-dashboard")
    job = {"job": "roll-ups", "host": "h", "pid": 1, "every_seconds": 60, "limit_seconds": 30, "state": "waiting"}
    await insert(service, "worker_jobs", [job])
    page = {"page": "mine", "dashboard": "trading", "title": "Mine", "origin": "user", "at": MOMENT}
    await insert(service, "pages", [page | {"panels": '[{"panel": "equity"}]'}])
    await given_stored_things(service, "A")
    await _server(service)
    await _machine(service)


async def _machine(service: Database) -> None:
    """A machine's parts, two processes of the suite and a day of uptime: of the present, which alone is asked about."""
    for minutes in (3, 0):
        at = now() - minutes * MINUTE
        await store_parts(service, machine_parts(at, 1e6 - minutes * 60))
        for pid in (1, 2):
            process = {"host": "trader-01", "at": at, "pid": pid, "name": "python", "service": "worker"}
            await insert(service, "process_metrics", [process | {"cpu_percent": 5.0, "file_descriptors": 9}])
    day = {"kind": "database", "service": "database", "day": now().date(), "at": now(), "up_seconds": 60.0}
    await insert(service, "service_days", [day])


async def _server(service: Database) -> None:
    for minutes in (5, 0):
        at = MOMENT - minutes * MINUTE
        counts = {"commits": 1000 - minutes, "blocks_hit": 900 - minutes, "wal_bytes": 10_000 - minutes}
        await given_server(service, at, waiting=1, sessions=2, statements="on", **counts)
        await given_relation(service, "fills", at, table_bytes=90_000 - minutes, live_rows=100, dead_rows=10)
        await given_index(service, "fills_at", at)
    await given_session(service, MOMENT, 10, state="idle in transaction")
    await given_session(service, MOMENT, 11, waits_since=MOMENT - HOUR, blocked_by=[10])
