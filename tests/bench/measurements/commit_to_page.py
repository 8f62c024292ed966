"""How long after a commit does a page know?"""

import asyncio
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg

from main.database.address import Address
from main.database.embedded import EmbeddedServer
from tests.bench.marks import Marks, mark
from tests.bench.row import Row, quantile
from tests.bench.suite import trading
from tests.bench.viewers import connect, wish
from tests.running import Suite

NAME = "commit_to_page"
TITLE = "From a commit to the page"
ORDER = 60
METHOD = """
A suite with its bot trading and one viewer of all panels of the trading dashboard. 60 fills of their own are inserted
by plain SQL, one at a time, at irregular moments; taken is the time until the viewer has the activity panel with that
fill in it, as encoded figures and components, all counted from the moment the INSERT is sent and, as the second pair,
from the moment its commit is acknowledged. The baseline is a bare `NOTIFY` on one connection heard by a `LISTEN` on
another, as often, in the same run: no table, no query, no picture.
"""
COMMITS = 60
PAUSE_SECONDS = (0.15, 0.35)


def measure(folder: Path) -> Iterator[Row]:
    with trading(folder) as suite:
        address = EmbeddedServer(suite.folder / "data").running()
        assert address is not None
        sent, acknowledged = asyncio.run(_commits(suite, address))
        raw = asyncio.run(_notifications(address))
    yield from _pair("INSERT sent to page", sent)
    yield from _pair("Commit acknowledged to page", acknowledged)
    yield from _pair("Raw LISTEN round trip", raw)
    yield Row("INSERT sent to page ÷ raw LISTEN, medians", quantile(sent, 0.5) / quantile(raw, 0.5), "")


def _pair(figure: str, seconds: list[float]) -> Iterator[Row]:
    spread = f"{1000 * min(seconds):.3g} … {1000 * max(seconds):.3g}, n = {len(seconds)}"
    yield Row(f"{figure}: median", 1000 * quantile(seconds, 0.5), "ms", None, spread)
    yield Row(f"{figure}: 95th percentile", 1000 * quantile(seconds, 0.95), "ms", None, spread)


async def _commits(suite: Suite, address: Address) -> tuple[list[float], list[float]]:
    sent, acknowledged = [], []
    marks = await Marks.prepared(address, range(COMMITS))
    async with connect(suite, "trading") as socket:
        await socket.send(wish("trading"))
        seen: dict[str, asyncio.Future[float]] = {}
        reader = asyncio.create_task(_read(socket, seen))
        await asyncio.sleep(2)
        for number in range(COMMITS):
            arrived = seen[mark(number)] = asyncio.get_running_loop().create_future()
            commit = await marks.commit(number)
            at = await asyncio.wait_for(arrived, 20)
            sent.append(at - commit.sent)
            acknowledged.append(max(0.0, at - commit.acknowledged))
            await asyncio.sleep(random.uniform(*PAUSE_SECONDS))
        reader.cancel()
    await marks.close()
    return sent, acknowledged


async def _read(socket: Any, seen: dict[str, "asyncio.Future[float]"]) -> None:
    async for message in socket:
        at = time.time()
        for known in [each for each in seen if each in message]:
            seen.pop(known).set_result(at)


async def _notifications(address: Address) -> list[float]:
    took = []
    speaker, listener = await _connected(address), await _connected(address)
    heard = asyncio.Event()
    await listener.add_listener("bench", lambda *_: heard.set())
    for _ in range(COMMITS):
        heard.clear()
        began = time.perf_counter()
        await speaker.execute("SELECT pg_notify('bench', '')")
        await asyncio.wait_for(heard.wait(), 5)
        took.append(time.perf_counter() - began)
        await asyncio.sleep(0.02)
    await speaker.close()
    await listener.close()
    return took


async def _connected(address: Address) -> Any:
    return await asyncpg.connect(**address.connect_arguments(), timeout=5, command_timeout=10)
