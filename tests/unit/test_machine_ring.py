"""The ring of this machine's samples: bounded, patient with a machine that refuses, answered as stored samples are."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from main.domain.scope import Scope
from main.monitoring.collectors.sampling import MachineSampler, sampled_once
from main.monitoring.dashboards.v2 import machine_ring
from main.monitoring.dashboards.v2.machine_ring import KEPT, MachineRing
from main.monitoring.host_course import cpu_course
from main.monitoring.read import LiveSource
from main.monitoring.reads.host_now import RING, host_now
from tests.drawing import NOW

SCOPE = Scope().resolved(NOW)


async def turned(ring: MachineRing, times: int) -> int:
    """Run a ring until it has sampled so often; how often it was told."""
    told = 0
    enough = asyncio.Event()

    def sampled() -> None:
        nonlocal told
        told += 1
        if told >= times:
            enough.set()

    running = asyncio.create_task(ring.run(sampled))
    async with asyncio.timeout(30):
        await enough.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return told


async def test_it_keeps_a_quarter_of_an_hour_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    one = sampled_once(Path.cwd())[0]
    monkeypatch.setattr(MachineSampler, "sample", lambda _: one)
    ring = MachineRing(Path.cwd(), every_seconds=0)
    assert ring.samples == ()
    assert await turned(ring, KEPT + 20) >= KEPT + 20
    assert len(ring.samples) == KEPT
    assert timedelta(seconds=machine_ring.EVERY_SECONDS * KEPT) == RING


async def test_a_sample_that_fails_is_left_out_and_the_next_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    one = sampled_once(Path.cwd())[0]
    outcomes: list[Any] = [OSError("no such device"), one, OSError("again"), one]

    def sample(_: MachineSampler) -> Any:
        outcome = outcomes.pop(0) if outcomes else one
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(MachineSampler, "sample", sample)
    ring = MachineRing(Path.cwd(), every_seconds=0)
    await turned(ring, 2)
    assert len(ring.samples) >= 2


async def test_it_is_answered_by_the_same_calculation_as_stored_samples() -> None:
    sampler = MachineSampler(Path.cwd())
    ring = [sampler.sample()]
    async with asyncio.timeout(10):
        while ring[-1][1].cpu.idle_seconds == ring[0][1].cpu.idle_seconds and len(ring) < 40:
            await asyncio.sleep(0.05)
            ring.append(sampler.sample())
    now = await host_now(LiveSource({"host": lambda: ring}), SCOPE)
    assert now.host == ring[0][0].host
    assert now.cpu == cpu_course([parts.cpu for _, parts in ring])
    assert now.usage.latest is not None
    assert now.usage.latest.at == ring[-1][0].at
    assert now.usage.latest.memory_used_bytes == ring[-1][0].memory_used_bytes
    assert len(now.usage.points) == len(ring)
    assert now.file_systems


async def test_before_the_first_sample_nothing_is_said() -> None:
    now = await host_now(LiveSource({"host": list}), SCOPE)
    assert (now.host, now.usage.latest, now.cpu.latest, now.disks) == (None, None, None, [])
