"""A dashboard that is told to end does so in time, whoever still looks and whatever the database does."""

import asyncio
import contextlib
import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import websockets

from main.database.address import Address
from main.database.pool import Database
from tests.given import given_account, given_heartbeat
from tests.integration.processes import program
from tests.integration.tcp_proxy import TcpProxy
from tests.running import ROOT, fetch, free_ports, until

SCRIPT = ROOT / "src" / "main" / "monitoring" / "dashboards" / "v2" / "run_trading_dashboard.py"
SOCKETS = 50
SUBSCRIBE = json.dumps(
    {"type": "subscribe", "view": {}, "panels": ["account_cards", "equity", "activity", "positions"]}
)


def nothing(proxy: TcpProxy) -> None:
    """Leave the database as it is."""


@pytest.mark.promise(6)
@pytest.mark.parametrize(
    "trouble", [nothing, TcpProxy.freeze, TcpProxy.refuse], ids=["healthy", "database frozen", "database gone"]
)
async def test_sigterm_ends_a_dashboard_with_50_open_sockets_in_10_seconds(
    address: Address, service: Database, tmp_path: Path, trouble: Callable[[TcpProxy], None]
) -> None:
    await given_account(service)
    await given_heartbeat(service)
    (port,) = free_ports(1)
    with TcpProxy(address) as proxy:
        reached = proxy.address
        environment = {
            "DB_HOST": reached.host,
            "DB_PORT": str(reached.port),
            "DB_NAME": reached.database,
            "DB_USER": reached.user,
            "DB_PASSWORD": reached.password or "",
            "AI_TRADER_DATA_DIR": str(tmp_path / "data"),
            "AI_TRADER_LOG_DIR": str(tmp_path / "logs"),
        }
        with program([str(SCRIPT), "--port", str(port)], environment, cwd=tmp_path) as dashboard:
            ready = f"http://127.0.0.1:{port}/readyz"
            await asyncio.to_thread(until, lambda: fetch(ready)[0] == 200 or dashboard.poll() is not None, 30, "ready")
            assert dashboard.poll() is None, "the dashboard ended"
            async with contextlib.AsyncExitStack() as stack:
                url, origin = f"ws://127.0.0.1:{port}/ws", f"http://127.0.0.1:{port}"
                sockets = [
                    await stack.enter_async_context(websockets.connect(url, origin=origin, max_queue=64))
                    for _ in range(SOCKETS)
                ]
                for socket in sockets:
                    await socket.send(SUBSCRIBE)
                for socket in sockets:
                    async with asyncio.timeout(10):
                        while json.loads(await socket.recv())["type"] != "update":
                            pass
                await asyncio.to_thread(trouble, proxy)
                for socket in sockets[::2]:  # half of them ask once more, of a database that may not answer
                    await socket.send(SUBSCRIBE.replace("equity", "daily_pnl"))
                dashboard.send_signal(signal.SIGTERM)
                await asyncio.to_thread(until, lambda: fetch(ready)[0] == 503, 3, "not ready any more")
                assert await asyncio.to_thread(dashboard.wait, 10) == 0
                for socket in sockets:
                    await socket.wait_closed()
                    assert socket.close_code == 1012
