"""A market and positions for tests of the pages Trading and Market: a fixed moment, written with plain SQL."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from main.database.pool import Database
from tests.given import (
    given_account,
    given_equity,
    given_fill,
    given_heartbeat,
    given_instrument,
    given_order_event,
    insert,
)
from tests.given_market import given_bars, given_levels, given_mids
from tests.given_orders import given_order
from tests.running import fetch

HOSTILE = '<img src=x onerror="window.harmed=1">'
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


async def given_busy_market(service: Database, positions: int = 3) -> datetime:
    """Two symbols with books and bars, one of them named as markup; orders, fills, indices; so many positions."""
    now = datetime.now(UTC).replace(microsecond=0)
    await given_account(service, label=f"Maker {HOSTILE}")
    await given_equity(service, 100_000, 100_500, ending=now)
    await given_heartbeat(service, now, interval_seconds=3600, regime="choppy", risk_factor="0.65", risk_reason="calm")
    for symbol in ("AAA", HOSTILE):
        await given_instrument(service, symbol, tick="0.01", quantity_step=1, sector=f"Sector {symbol}")
        await _given_book(service, symbol, now)
        await given_mids(service, *range(100, 140), symbol=symbol, ending=now - MINUTE, every=10 * MINUTE, spread_bps=2)
        closes = [Decimal(100 + number % 7) for number in range(40)]
        await given_bars(service, closes, symbol, interval="5m", every=5 * MINUTE, last=now - 6 * MINUTE, volume=50)
    await given_fill(service, "buy", 5, "101.50", now - HOUR)
    await given_fill(service, "buy", 5, "101.50", now - HOUR, symbol="AAA")
    await given_order(service, "o1", now, symbol="AAA", price="138.98", filled_quantity=4, status="partially_filled")
    await given_order_event(service, "rejected", now, symbol=HOSTILE, reason=HOSTILE)
    await given_levels(service, "SIMX", "index", 1000, 1010, 1007, ending=now, every=12 * HOUR)
    await given_levels(service, HOSTILE, "volatility", 14, 20, 28, ending=now, every=12 * HOUR)
    await _given_positions(service, positions, now)
    return now


async def _given_book(service: Database, symbol: str, now: datetime) -> None:
    book = {
        "source": "sim",
        "symbol": symbol,
        "at": now,
        "recorded_at": now,
        "mid": "139.00",
        "best_bid": "138.99",
        "best_ask": "139.01",
        "spread_bps": "1.44",
        "bid_depth": 300,
        "ask_depth": 500,
        "bid_prices": [Decimal("138.99"), Decimal("138.98")],
        "bid_sizes": [Decimal(100), Decimal(200)],
        "ask_prices": [Decimal("139.01"), Decimal("139.02")],
        "ask_sizes": [Decimal(400), Decimal(100)],
    }
    await insert(service, "market_snapshots", [book])


async def _given_positions(service: Database, count: int, now: datetime) -> None:
    rows = [
        {
            "account_id": "A",
            "position_id": f"p{number}",
            "source": "bot",
            "symbol": HOSTILE if number == 0 else f"S{number:03}",
            "side": "short" if number % 3 == 2 else "long",
            "quantity": count - number,
            "entry_time": now - HOUR,
            "entry_price": 100,
            "current_price": 95 if number % 2 else 110,
            "at": now,
        }
        for number in range(count)
    ]
    await insert(service, "positions", rows)


def answered(url: str, read: str, query: str = "") -> Any:
    """The value of a read as the REST interface gives it."""
    status, body = fetch(f"{url}/api/reads/{read}?accounts=A&range=1D{query}")
    assert status == 200, body
    return json.loads(body)["value"]
