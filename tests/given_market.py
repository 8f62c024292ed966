"""Bars, books, index levels, models and pipelines for tests of reads; each names only what the test is about."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from main.database.pool import Database
from main.domain.scope import Scope
from main.monitoring.read import Read
from tests.given import DAY, MOMENT, insert


async def asked_with(database: Database, read: Read[Any], scope: Scope, **params: Any) -> Any:
    """The read's value with params of its own, as role app."""
    assert read.params is not None
    async with database.scoped(scope.accounts) as connection:
        return await read.fetch(connection, scope, read.params(**params))


async def given_bars(
    service: Database,
    closes: Sequence[object],
    symbol: str = "X",
    *,
    interval: str = "1d",
    every: timedelta = DAY,
    last: datetime = MOMENT - timedelta(hours=15) - DAY,
    **given: Any,
) -> list[datetime]:
    """Bars of one price each; the last begins at `last`, which is the day before `MOMENT`'s. Return their times."""
    times = [last - every * (len(closes) - 1 - index) for index in range(len(closes))]
    rows = [
        {
            "source": "sim",
            "symbol": symbol,
            "interval": interval,
            "at": at,
            "recorded_at": at + every,
            "open": close,
            "high": close,
            "low": close,
            "close": close,
            "volume": 1,
        }
        | given
        for at, close in zip(times, closes, strict=True)
    ]
    await insert(service, "market_data", rows)
    return times


async def given_mids(
    service: Database, *mids: object, symbol: str = "X", ending: datetime = MOMENT, every: timedelta, **given: Any
) -> None:
    """Snapshots, the last at `ending`; an absent one (None) leaves a gap."""
    rows = [
        {"source": "sim", "symbol": symbol, "at": at, "recorded_at": at, "mid": mid} | given
        for index, mid in enumerate(mids)
        if mid is not None and (at := ending - every * (len(mids) - 1 - index))
    ]
    await insert(service, "market_snapshots", rows)


async def given_levels(
    service: Database, name: str, kind: str, *levels: object, ending: datetime = MOMENT, every: timedelta = DAY
) -> None:
    times = [ending - every * (len(levels) - 1 - index) for index in range(len(levels))]
    rows = [
        {"source": "sim", "name": name, "kind": kind, "at": at, "recorded_at": at, "level": level}
        for at, level in zip(times, levels, strict=True)
    ]
    await insert(service, "market_indices", rows)


async def given_model(service: Database, model: str, at: datetime = MOMENT - DAY, **given: Any) -> None:
    row = {"source": "sim", "model": model, "version": "1", "kind": "momentum", "status": "active", "at": at}
    await insert(service, "models", [row | given])


async def given_judgement(service: Database, model: str, at: datetime, **given: Any) -> None:
    row = {"source": "sim", "model": model, "version": "1", "at": at, "recorded_at": at, "window_start": at - 30 * DAY}
    await insert(service, "model_performance", [row | {"predictions": 100} | given])


async def given_run(service: Database, pipeline: str, started_at: datetime, at: datetime, **given: Any) -> None:
    row = {"source": "sim", "pipeline": pipeline, "run_id": f"{started_at:%H%M%S}", "kind": "feed", "status": "running"}
    await insert(service, "pipeline_status", [row | {"started_at": started_at, "at": at} | given])
