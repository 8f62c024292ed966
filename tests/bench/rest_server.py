"""Serves trades over HTTP in a process of its own: as the suite does it, or the same statements behind a bare route."""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import asyncpg
import orjson
import uvicorn
from fastapi import FastAPI, Response

from main.clock import now
from main.database.address import Address
from main.database.pool import Database
from main.domain.scope import Scope
from main.monitoring.reads import trade_statistics, trades
from main.monitoring.trade_filter import TradeFilter, window_arguments
from main.monitoring.trade_totals import TOTALS
from main.security.binding import server_options

ACCOUNT = "bench-a"
WINDOW = "All"


def bare(address: Address) -> FastAPI:
    """Return the same statements, without bounds, freshness, accounts that may be seen, or anything shared."""
    pools: list[Any] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        pools.append(await asyncpg.create_pool(**address.connect_arguments(), min_size=8, max_size=8, timeout=5))
        yield
        await pools[0].close()

    app = FastAPI(lifespan=lifespan)
    filtered = TradeFilter().arguments(Scope())

    async def answer(*statements: tuple[str, tuple[Any, ...]]) -> Response:
        window = window_arguments(Scope((ACCOUNT,), WINDOW).resolved(now()))
        async with pools[0].acquire() as connection:
            rows = [
                [dict(row) for row in await connection.fetch(sql, *window, *arguments)] for sql, arguments in statements
            ]
        return Response(orjson.dumps(rows, default=_plain), media_type="application/json")

    @app.get("/api/trades")
    async def page() -> Response:
        return await answer((trades.NEWEST.sql, (*filtered, 50, 0)), (TOTALS.sql, filtered))

    @app.get("/api/reads/trade_statistics")
    async def summary() -> Response:
        recent = (trade_statistics.RECENT, *filtered)
        return await answer((trade_statistics.NEWEST.sql, recent), (TOTALS.sql, filtered))

    return app


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else str(value)


async def serve(kind: str, address: Address, port: int) -> None:
    if kind == "bare":
        await uvicorn.Server(uvicorn.Config(bare(address), port=port, log_config=None, **server_options())).serve()
        return
    from tests.api_site import app_on

    database = Database(address, max_size=8)
    await database.open()
    async with app_on(database, tempfile.gettempdir()) as app:
        await uvicorn.Server(
            uvicorn.Config(app, port=port, log_config=None, lifespan="off", **server_options())
        ).serve()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], Address(**json.loads(os.environ["BENCH_ADDRESS"])), int(sys.argv[2])))
