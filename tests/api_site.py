"""The API of the trading dashboard on a real server and the database of a test, for tests of what it answers."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import uvicorn

from main.database.pool import Database
from main.exporters.exports import Exports
from main.monitoring.api.app import create_app, protect
from main.monitoring.api.directory import Directory
from main.monitoring.api.named import named_rules
from main.monitoring.api.named_paths import NAMED
from main.monitoring.api.named_shape import NamedPath
from main.monitoring.hub import Hub
from main.monitoring.read import LiveSource
from main.recording.intake import Intake
from main.security.binding import server_options
from main.security.policy import dashboard_policy
from main.telemetry.log_search import LogFolder
from main.telemetry.metrics import Metrics
from main.telemetry.probes import ProbeApp
from tests.given import given_account, given_equity, given_heartbeat, given_instrument, given_position, given_trade
from tests.given_orders import given_order

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class _NoSignals:
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[int]:
    """Serve an application on a port of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, lifespan="off", **server_options())
    server = uvicorn.Server(config)
    server.capture_signals = _NoSignals  # type: ignore[method-assign]  # the signals are pytest's
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, 10)


@asynccontextmanager
async def app_on(database: Database, logs: Any, paths: Sequence[NamedPath] = NAMED) -> AsyncIterator[Any]:
    """Run an application that knows every read and the named paths behind the guard."""
    live = LiveSource({"database": lambda: database.status, "logs": lambda: LogFolder(logs), "host": list})
    hub, directory, intake = Hub(database, live), Directory(database), Intake(database.address)
    exports = Exports(database.address)
    app = create_app(
        title="Trading",
        version="0.1.0",
        lifespan=None,
        hub=lambda: hub,
        directory=lambda: directory,
        intake=lambda: intake,
        exports=lambda: exports,
        stream=_stream,
        probes=ProbeApp("trading", registry=Metrics("trading", "0.1.0").registry),
        named=paths,
    )
    protect(app, dashboard_policy((), *named_rules(paths)))
    running = asyncio.create_task(hub.run())
    try:
        yield app
    finally:
        await intake.close()
        await exports.close()
        running.cancel()
        await asyncio.wait({running})


@asynccontextmanager
async def api_on(database: Database, logs: Any, paths: Sequence[NamedPath] = NAMED) -> AsyncIterator[httpx.AsyncClient]:
    """Serve it, and ask it."""
    async with (
        app_on(database, logs, paths) as app,
        serving(app) as port,
        httpx.AsyncClient(base_url=f"http://localhost:{port}", timeout=20) as client,
    ):
        yield client


async def _stream(page: Any) -> None:
    """Nobody connects here."""


async def given_trading(service: Database, account: str = "A", **given: Any) -> None:
    """An account that has traded: it won 30.005 an hour ago, lost 10 yesterday, and holds something."""
    source = f"market-{account}"
    await given_account(service, account, source=source, **given)
    await given_instrument(service, "BTC-USD", source=source, tick="0.01", quantity_step="0.001")
    await given_trade(
        service, "30.005", NOW - HOUR, account, symbol="BTC-USD", entry_price="100.123456", segment="spot"
    )
    await given_trade(service, "-10", NOW - DAY, account, symbol="ETH-USD", segment="perp")
    await given_equity(service, 1000, 990, "1020.005", account=account, ending=NOW, every=DAY)
    await given_position(service, "BTC-USD", account=account, at=NOW)
    await given_order(service, f"waiting-{account}", NOW, account_id=account, symbol="BTC-USD")
    await given_heartbeat(service, NOW, account, error_count=3, interval_seconds=3600)
