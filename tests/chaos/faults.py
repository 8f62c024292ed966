"""What is done to the suite and its surroundings, and how is it undone? One context manager for each kind of fault."""

import asyncio
import contextlib
import random
import shutil
import signal
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import asyncpg
import psutil

from tests.chaos.fault_proxy import BOTH, Direction
from tests.chaos.schedule import KINDS, Planned
from tests.chaos.suite import PASSWORD, PATIENCE, Stressed

RESTART_SECONDS = 5.0 * PATIENCE
"""PROMISES 1: a killed process is back within so much; until then nobody may expect anything of it."""

BOT_SECONDS = 20.0 * PATIENCE
_LOST = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)  # another fault has the server at the same time
_SESSIONS = (
    "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'ai-trader%' AND datname = 'trading' ORDER BY 1"
)

Fault = Callable[[Stressed, Planned], Any]


@contextlib.asynccontextmanager
async def killed(world: Stressed, planned: Planned) -> AsyncIterator[None]:
    children = ("trading", "system", "worker") if planned.detail == "manager" else ()  # they end with it
    world.afflicted |= {planned.detail, *children}
    for process in await _named(world, planned.detail):
        process.kill()
    world.excuse(RESTART_SECONDS)
    yield


@contextlib.asynccontextmanager
async def stopped(world: Stressed, planned: Planned) -> AsyncIterator[None]:
    processes = await _named(world, planned.detail)
    world.afflicted.add(planned.detail)
    try:
        _send(processes, signal.SIGSTOP)
        yield
    finally:
        _send(processes, signal.SIGCONT)
    if not all(map(_settled, processes)):
        world.excuse(RESTART_SECONDS)


@contextlib.asynccontextmanager
async def bot_killed(world: Stressed, _: Planned) -> AsyncIterator[None]:
    world.afflicted.add("bot")
    world.bot.kill()
    world.bot_kills.append(time.time())
    await asyncio.to_thread(world.bot.wait)
    yield
    world.start_bot()
    world.excuse(BOT_SECONDS)


@contextlib.asynccontextmanager
async def server_killed(world: Stressed, _: Planned) -> AsyncIterator[None]:
    await asyncio.to_thread(world.server.kill)
    try:
        yield
    finally:
        await _server_back(world)


@contextlib.asynccontextmanager
async def server_frozen(world: Stressed, _: Planned) -> AsyncIterator[None]:
    await asyncio.to_thread(world.server.freeze)
    try:
        yield
    finally:
        await asyncio.to_thread(world.server.thaw)


@contextlib.asynccontextmanager
async def server_restarted(world: Stressed, _: Planned) -> AsyncIterator[None]:
    await asyncio.to_thread(world.server.end_fast)
    yield
    await _server_back(world)


@contextlib.asynccontextmanager
async def sessions_terminated(world: Stressed, planned: Planned) -> AsyncIterator[None]:
    with contextlib.suppress(*_LOST):
        await _terminate(world, planned, 1.0 if planned.detail == "all" else 0.5)
    yield


@contextlib.asynccontextmanager
async def connections_exhausted(world: Stressed, planned: Planned) -> AsyncIterator[None]:
    hogs: list[Any] = []
    hogging = asyncio.create_task(_hog(world, hogs))
    try:
        if planned.detail == "for all":
            await asyncio.sleep(0.5)
            with contextlib.suppress(*_LOST):
                await _terminate(world, planned, 1.0)
        yield
    finally:
        hogging.cancel()
        await asyncio.gather(hogging, return_exceptions=True)
        for each in hogs:
            each.terminate()


@contextlib.asynccontextmanager
async def table_locked(world: Stressed, planned: Planned) -> AsyncIterator[None]:
    async with contextlib.AsyncExitStack() as stack:
        with contextlib.suppress(*_LOST):
            connection = await world.server.connect()
            stack.callback(connection.terminate)
            await connection.execute("BEGIN; SET LOCAL lock_timeout = '2s'")
            await connection.execute(f"LOCK TABLE {planned.detail} IN ACCESS EXCLUSIVE MODE")
        yield


@contextlib.asynccontextmanager
async def network_slow(world: Stressed, planned: Planned) -> AsyncIterator[None]:
    latency, jitter = {"20 ms": (0.02, 0.0), "200 ms": (0.2, 0.0), "jitter": (0.02, 0.3)}[planned.detail]
    world.proxy.delay(latency, jitter)
    yield
    world.proxy.delay(0.0)


@contextlib.asynccontextmanager
async def network_narrow(world: Stressed, planned: Planned) -> AsyncIterator[None]:
    world.proxy.throttle(1000.0 * int(planned.detail.split()[0]))
    yield
    world.proxy.throttle(None)


@contextlib.asynccontextmanager
async def network_frozen(world: Stressed, planned: Planned) -> AsyncIterator[None]:
    world.proxy.freeze(directions=_directions(planned.detail))
    yield
    world.proxy.freeze(False, directions=BOTH)


@contextlib.asynccontextmanager
async def network_swallows(world: Stressed, planned: Planned) -> AsyncIterator[None]:
    world.proxy.swallow(directions=_directions(planned.detail))
    yield
    world.proxy.swallow(False, directions=BOTH)
    world.proxy.mend()


@contextlib.asynccontextmanager
async def connections_ended(world: Stressed, planned: Planned) -> AsyncIterator[None]:
    end = world.proxy.reset if planned.kind.name == "connections reset" else world.proxy.cut
    await asyncio.to_thread(end, _share(planned))
    yield


@contextlib.asynccontextmanager
async def connections_half_open(world: Stressed, planned: Planned) -> AsyncIterator[None]:
    told: Direction = "up" if planned.kind.name == "connections half open" else "down"
    await asyncio.to_thread(world.proxy.half_open, _share(planned), told=told)
    yield
    await asyncio.to_thread(world.proxy.mend)


@contextlib.asynccontextmanager
async def connections_refused(world: Stressed, _: Planned) -> AsyncIterator[None]:
    await asyncio.to_thread(world.proxy.refuse)
    yield
    await asyncio.to_thread(world.proxy.accept)


@contextlib.asynccontextmanager
async def connections_mute(world: Stressed, _: Planned) -> AsyncIterator[None]:
    await asyncio.to_thread(world.proxy.reset)
    world.proxy.mute = True
    yield
    world.proxy.mute = False
    await asyncio.to_thread(world.proxy.mend)


@contextlib.asynccontextmanager
async def log_folder(world: Stressed, planned: Planned) -> AsyncIterator[None]:
    logs = world.suite.folder / "logs" / "dashboards"
    away = logs.with_name("dashboards.away")
    if planned.detail == "removed":
        shutil.rmtree(logs, ignore_errors=True)
        yield
        return
    moved = logs.is_dir()
    if moved:
        logs.rename(away)
    logs.touch()  # no folder can be made there, nor a file in it: for root too, whom permissions do not stop
    yield
    logs.unlink()
    if moved:
        away.rename(logs)


FAULTS: dict[str, Fault] = {
    "kill": killed,
    "stop": stopped,
    "hang": stopped,
    "bot killed": bot_killed,
    "server killed": server_killed,
    "server frozen": server_frozen,
    "server restarted": server_restarted,
    "sessions terminated": sessions_terminated,
    "connections exhausted": connections_exhausted,
    "table locked": table_locked,
    "network slow": network_slow,
    "network narrow": network_narrow,
    "network frozen": network_frozen,
    "network swallows": network_swallows,
    "connections reset": connections_ended,
    "connections cut": connections_ended,
    "connections half open": connections_half_open,
    "connections orphaned": connections_half_open,
    "connections refused": connections_refused,
    "connections mute": connections_mute,
    "log folder": log_folder,
}
assert set(FAULTS) == {kind.name for kind in KINDS}


async def _named(world: Stressed, name: str) -> list[psutil.Process]:
    return (await asyncio.to_thread(world.processes)).get(name, [])


def _settled(process: psutil.Process) -> bool:
    """Whether it was not replaced while it was stopped, as it should be in the end, nor stopped while it started."""
    try:
        return process.is_running() and time.time() - process.create_time() > 2 * RESTART_SECONDS
    except psutil.NoSuchProcess:
        return False


def _send(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


async def _server_back(world: Stressed) -> None:
    address = await asyncio.to_thread(world.server.start)
    world.proxy.target = replace(world.proxy.target, host=address.host, port=address.port)


async def _terminate(world: Stressed, planned: Planned, share: float) -> None:
    connection = await world.server.connect()
    try:
        pids = [row["pid"] for row in await connection.fetch(_SESSIONS)]
        chosen = random.Random(planned.seed).sample(pids, round(share * len(pids)))
        await connection.execute("SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid", chosen)
    finally:
        connection.terminate()


async def _hog(world: Stressed, hogs: list[Any]) -> None:
    """Take every connection there is, and each one that gets free."""
    arguments = world.server.administrator.connect_arguments() | {"user": "hog", "password": PASSWORD}
    while True:
        try:
            hogs.append(await asyncpg.connect(**arguments, timeout=3, command_timeout=3))
        except (*_LOST, TimeoutError):
            await asyncio.sleep(0.1)


def _directions(detail: str) -> tuple[Direction, ...]:
    match detail:
        case "up":
            return ("up",)
        case "down":
            return ("down",)
        case _:
            return BOTH


def _share(planned: Planned) -> float:
    return 1.0 if planned.detail == "all" else 0.5
