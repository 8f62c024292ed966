"""Names made to do harm, wherever a name can stand: accounts, symbols, strategies, reasons, notes, alerts, logs."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from main.database.pool import Database
from tests.given import (
    given_account,
    given_alert,
    given_daily,
    given_equity,
    given_event,
    given_fill,
    given_flow,
    given_heartbeat,
    given_instrument,
    given_order_event,
    given_position,
    given_trade,
)
from tests.given_market import given_bars, given_judgement, given_levels, given_mids, given_model, given_run
from tests.given_orders import given_order

MARKUP = "<img src=x onerror=alert(1)>"
FORMULA = '=HYPERLINK("http://x")'
LONG = "Long" * 50
NAMES = (
    MARKUP,
    "javascript:alert(1)",
    FORMULA,
    LONG,
    "\u202eمرحبا بالعالم abc",
    "🦄📈 é\u0301\u200b",
    "</script><script>alert(1)</script>",
    "\"'><svg onload=alert(1)>",
    '<a href="javascript:alert(1)">here</a>',
    "%{y}<br>${1+1}{{7*7}}",
)
"""Markup, a link that is a script, a formula, 200 characters, right to left, marks that combine, templates."""
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_BOOK: dict[str, Any] = {
    "best_bid": 99,
    "best_ask": 101,
    "spread_bps": 200,
    "bid_prices": [99, 98],
    "bid_sizes": [3, 1],
    "ask_prices": [101],
    "ask_sizes": [2],
    "bid_depth": 4,
    "ask_depth": 2,
}


def account_of(name: str) -> str:
    """The account that has this name as its label; ids have a pattern of their own."""
    return f"H{NAMES.index(name)}"


async def given_hostile(service: Database, now: datetime | None = None) -> datetime:
    """An account a name, whose everything is called so, up to `now`."""
    now = now or datetime.now(UTC).replace(microsecond=0)
    for name in NAMES:
        await _given_market(service, name, now)
        await given_account(service, account_of(name), label=name, benchmark=name, broker=name, position_limit=2000)
        await _given_money(service, name, now)
        await _given_trading(service, name, now)
    return now


async def _given_market(service: Database, name: str, now: datetime) -> None:
    await given_instrument(service, name, exchange=name, sector=name, segment=name, instrument_token=name)
    mids = [100 + step % 7 for step in range(240)]
    await given_mids(service, *mids, symbol=name, ending=now, every=HOUR, **_BOOK)
    midnight = now.replace(hour=0, minute=0, second=0)
    await given_bars(service, [100 + step % 9 for step in range(130)], name, last=midnight - DAY)
    bars = [Decimal(100 + step % 5) for step in range(60)]
    await given_bars(service, bars, name, interval="5m", every=5 * MINUTE, last=now - 6 * MINUTE)
    kind = ("index", "volatility", "breadth")[NAMES.index(name) % 3]
    await given_levels(service, name, kind, 14, 20, 28, ending=now, every=12 * HOUR)
    told = {"kind": name, "strategy": name, "regime": name, "universe": list(NAMES)}
    await given_model(service, name, now - DAY, version=name, **told)
    for days in (1, 2, 3):
        await given_judgement(service, name, now - days * HOUR, version=name, accuracy="0.6", ic="0.1", drift="0.3")
    await given_run(service, name, now - HOUR, now - MINUTE, message=name, status="failed", kind="job")


async def _given_money(service: Database, name: str, now: datetime) -> None:
    account = account_of(name)
    levels = [1000 + 40 * (step % 5) for step in range(60)]
    await given_equity(service, *levels, account=account, ending=now, every=DAY, cash=500, unrealized_pnl=3)
    await given_flow(service, -3, now - 2 * HOUR, account, kind="funding", note=name)
    await given_daily(service, now.date(), account, loss_used=30, loss_limit=500, at=now)
    told = {"regime": name, "strategy": name, "risk_reason": name, "models": [name], "host": name, "version": name}
    for back in (50 * HOUR, 2 * HOUR, timedelta(0)):
        await given_heartbeat(service, now - back, account, interval_seconds=3600, risk_factor="0.5", **told)
    await given_event(service, name, "error", now - MINUTE, account_id=account, message=name)
    fired = {"account_id": account, "rule": name, "details": name, "unit": name, "value": 2, "threshold": 1}
    await given_alert(service, name, now - HOUR, alert_id=name, **fired)


async def _given_trading(service: Database, name: str, now: datetime) -> None:
    account = account_of(name)
    of = {"symbol": name, "strategy": name}
    told = of | {"exchange": name, "segment": name, "exit_type": name, "model": name, "notes": name, "tags": [name]}
    for number in range(35):
        at = now - number * DAY - MINUTE
        await given_trade(service, 5 - number % 11, at, account, entry_time=at - HOUR, **told)
    at = now - HOUR
    order = {"decision_price": 100, "arrival_mid": 100, "quantity": 4, "order_id": f"filled {name}"}
    for kind in ("placed", "accepted", "filled"):
        await given_order_event(service, kind, at, account, **of, **order)
    await given_order(service, f"filled {name}", at, account_id=account, **of, status="filled", filled_quantity=4)
    prices = {"order_id": f"filled {name}", "decision_price": 100, "arrival_mid": 100, "fee": "0.5", "model": name}
    await given_fill(service, "buy", 4, 101, at, account=account, liquidity="maker", **of, **prices)
    await given_order(service, f"waits {name}", at, account_id=account, **of, price=99, model=name)
    refused = {"order_id": f"no {name}", "reason": name}
    await given_order(service, f"no {name}", at, account_id=account, **of, status="rejected", reason=name, model=name)
    await given_order_event(service, "rejected", at, account, **of, **refused)
    held = {"entry_time": now - HOUR, "at": now, "initial_stop": 95, "exchange": name, "strategy": name}
    await given_position(service, name, position_id=name, account=account, **held)


def write_logs(folder: Path, now: datetime) -> None:
    """Lines of a service's log that say the names."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{now.isoformat()} [error    ] {name} [main.{name}] reason={name}\n" for name in NAMES]
    (folder / "trading.log").write_text("".join(lines))
