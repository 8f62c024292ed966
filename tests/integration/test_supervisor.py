"""When the supervisor takes a service for hung, and when it gives one up that never gets as far as to answer."""

import asyncio
import contextlib
import inspect
import time
from collections.abc import AsyncIterator

import pytest

from main.database.embedded import EmbeddedServer
from main.monitoring.dashboards.v2 import restart_policy, supervisor
from main.monitoring.dashboards.v2.backbone import MIGRATION_PATIENCE_SECONDS
from main.monitoring.dashboards.v2.child import ServiceCommand
from main.monitoring.dashboards.v2.lifeline import Lifeline
from main.monitoring.dashboards.v2.probe import Reply, ask
from main.monitoring.dashboards.v2.supervisor import Supervisor, Timing
from tests.integration.managers import stand_in
from tests.running import free_ports


@contextlib.asynccontextmanager
async def supervised(timing: Timing, *options: str) -> AsyncIterator[Supervisor]:
    """Keep one stand-in running."""
    (port,) = free_ports(1)
    command = ServiceCommand(
        "service", "dashboard", tuple(stand_in(port, "test-supervisor", *options)), "127.0.0.1", port
    )
    with Lifeline() as lifeline:
        own = Supervisor(command, {}, lifeline, lambda *_: None, redact=str, timing=timing, on_change=lambda: None)
        running = asyncio.create_task(own.run())
        try:
            yield own
        finally:
            own.stop()
            await running


def test_who_waits_for_an_embedded_database_that_recovers_says_so_before_the_supervisor_takes_it_for_hung() -> None:
    patience = inspect.signature(EmbeddedServer.acquire).parameters["timeout"].default
    assert patience + MIGRATION_PATIENCE_SECONDS + 5.0 < Timing().startup


@pytest.mark.promise(2)
async def test_a_service_that_hangs_at_every_start_is_given_up_though_its_starts_are_far_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(restart_policy, "WINDOW_SECONDS", 0.0)
    monkeypatch.setattr(restart_policy, "_FIRST_SECONDS", 0.01)
    timing = Timing(probe_timeout=0.2, startup=0.5, stop=3.0, port=1.0)
    async with supervised(timing, "--mute", "/livez") as service:
        async with asyncio.timeout(60):
            await service.settled.wait()
        assert service.state == "failed"
        assert service.now.restarts == {"hung": 4}
        assert service.now.reason == "five starts without an answer; last: hung: no answer within 0.5 s of its start"


async def test_a_service_is_not_replaced_because_its_supervisor_was_held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that swaps, or has just slept, all services would be replaced at once, and make it worse."""
    held_up = 0

    async def late(host: str, port: int, path: str, *, within: float) -> Reply:
        nonlocal held_up
        if service.state == "running" and held_up < 4:
            held_up += 1
            time.sleep(within + 0.7)  # noqa: ASYNC251  # the whole process, not this task
            raise TimeoutError
        return await ask(host, port, path, within=within)

    monkeypatch.setattr(supervisor, "ask", late)
    timing = Timing(probe_interval=0.1, probe_timeout=0.3, startup=20.0, stop=3.0, port=1.0)
    async with supervised(timing) as service:
        async with asyncio.timeout(30):
            await service.settled.wait()
            pid = service.now.pid
            while held_up < 4:
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.5)
        assert (service.state, service.now.pid, service.now.restarts) == ("running", pid, {})
