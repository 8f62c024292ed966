"""How soon does the API answer, and how often a second, against the same statements behind a bare route?"""

import asyncio
import json
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

from main.database.address import Address
from main.database.embedded import EmbeddedServer
from main.database.migrate import migrate
from tests.bench import history, years
from tests.bench.rest_server import ACCOUNT, WINDOW
from tests.bench.row import Aim, Row, median_row, quantile
from tests.running import ROOT

NAME = "rest"
TITLE = "The REST API"
ORDER = 73
METHOD = """
Two questions over HTTP at 5,000 closed trades of an account, all of which they are about: the trades page of 50 rows
with its summary, and the profit summary (trade_statistics). Each server is a process of its own; the client is a plain
socket that keeps its connection. Alone: one connection, one request after the other. Eight connections at once: how
many answers a second. Nothing is written meanwhile, so whoever asks the same may get the answer that is there. The
baseline is a bare FastAPI route that puts the same statements to asyncpg: no guard, no row-level security, nothing
shared.
"""
TRADES = 5_000
ALONE = 200
CONNECTIONS = 8
SECONDS = 5.0
QUESTIONS = {
    "Trades page of 50 rows": (f"/api/trades?accounts={ACCOUNT}&range={WINDOW}", Aim(4)),
    "Profit summary": (f"/api/reads/trade_statistics?accounts={ACCOUNT}&range={WINDOW}", Aim(8)),
}
OFTEN = Aim(400, least=True)


def measure(folder: Path) -> Iterator[Row]:
    with EmbeddedServer(folder / "postgres", durable=False).acquire() as lease:
        asyncio.run(_prepare(lease.address))
        for kind in ("suite", "bare"):
            yield from asyncio.run(_measure(kind, lease.address))


async def _prepare(address: Address) -> None:
    await migrate(address)
    until = history.newest()
    await years.begin(address, until)
    await years.add_trades(address, until, 2 * TRADES)


async def _measure(kind: str, address: Address) -> list[Row]:
    rows = []
    name = "" if kind == "suite" else "bare route, "
    async with _server(kind, address) as port:
        for title, (path, aim) in QUESTIONS.items():
            await _asked(port, path, 20)
            alone = await _asked(port, path, ALONE)
            rows.append(median_row(f"{title}: {name}median", alone, "ms", aim if kind == "suite" else None))
            rows.append(Row(f"{title}: {name}95th percentile", quantile(alone, 0.95), "ms"))
            answers = await _asked_at_once(port, path)
            rows.append(
                Row(f"{title}: {name}{CONNECTIONS} connections", answers, "requests/s", OFTEN if not name else None)
            )
    return rows


async def _asked_at_once(port: int, path: str) -> float:
    ends = time.monotonic() + SECONDS
    counts = await asyncio.gather(*(_asked(port, path, None, ends) for _ in range(CONNECTIONS)))
    return sum(len(each) for each in counts) / SECONDS


async def _asked(port: int, path: str, times: int | None, ends: float = 0.0) -> list[float]:
    """Ask on one connection, so many times or until a moment; return the milliseconds of each."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode()
    taken: list[float] = []
    while len(taken) < times if times is not None else time.monotonic() < ends:
        began = time.perf_counter()
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert b" 200 " in head.split(b"\r\n", 1)[0], head
        await reader.readexactly(int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0]))
        taken.append(1000 * (time.perf_counter() - began))
    writer.close()
    return taken


@asynccontextmanager
async def _server(kind: str, address: Address) -> AsyncIterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    fields = {name: value for name, value in asdict(address).items() if name not in ("limits", "others")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.rest_server", kind, str(port)),
        cwd=ROOT,
        env=os.environ | {"BENCH_ADDRESS": json.dumps(fields), "PYTHONPATH": str(ROOT / "src")},
    )
    try:
        await _until_it_answers(port)
        yield port
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 10)


async def _until_it_answers(port: int) -> None:
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        try:
            await _asked(port, next(iter(QUESTIONS.values()))[0], 1)
        except (OSError, AssertionError, asyncio.IncompleteReadError):
            await asyncio.sleep(0.1)
        else:
            return
    raise TimeoutError("the server did not answer within 30 s")
