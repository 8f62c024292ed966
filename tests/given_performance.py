"""Equity and prices of many days for tests of performance, and how its figures are asked."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from main.database.pool import Database
from main.monitoring.read import Read
from tests.given import fact, insert, live


async def given_closes(service: Database, days: Sequence[date], closes: Sequence[float], account: str = "A") -> None:
    """One observation of equity a day, at 20:00 UTC, exactly as large as the close."""
    rows = [
        fact(account, datetime.combine(day, time(20), UTC)) | {"equity": repr(float(close))}
        for day, close in zip(days, closes, strict=True)
    ]
    await insert(service, "trading_pnl", rows)


async def given_bars(
    service: Database, days: Sequence[date], closes: Sequence[float], symbol: str = "SPY", **given: Any
) -> None:
    """Daily bars that open at midnight UTC and are known when they close."""
    opened = [datetime.combine(day, time(0), UTC) for day in days]
    rows = [
        {
            "source": "sim",
            "symbol": symbol,
            "interval": "1d",
            "at": at,
            "recorded_at": at + timedelta(days=1),
            "open": repr(float(close)),
            "high": repr(float(close)),
            "low": repr(float(close)),
            "close": repr(float(close)),
        }
        | given
        for at, close in zip(opened, closes, strict=True)
    ]
    await insert(service, "market_data", rows)


async def told(
    database: Database, read: Read[Any], *accounts: str, params: object = None, until: datetime, window: str = "All"
) -> Any:
    """The read's value as a dashboard gets it, about the window that ends at a moment."""
    scope = live(*accounts, window=window, moment=until)
    async with database.scoped(scope.accounts) as connection:
        return await (read.fetch(connection, scope, params) if params else read.fetch(connection, scope))
