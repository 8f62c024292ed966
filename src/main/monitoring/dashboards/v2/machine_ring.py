"""How did this machine do in the last quarter of an hour? Kept in memory, for when the database cannot be asked."""

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path

import structlog

from main.monitoring.collectors.sampling import MachineSampler, Sampled

EVERY_SECONDS = 5.0
KEPT = 180
"""Samples: a quarter of an hour."""

_log = structlog.get_logger(__name__)


class MachineRing:
    """The newest samples of this machine, oldest first; none before `run`."""

    def __init__(self, path: Path, every_seconds: float = EVERY_SECONDS) -> None:
        """Name a folder whose disk matters."""
        self._sampler = MachineSampler(path)
        self._every = every_seconds
        self._samples: deque[Sampled] = deque(maxlen=KEPT)

    @property
    def samples(self) -> tuple[Sampled, ...]:
        """What is known now."""
        return tuple(self._samples)

    async def run(self, sampled: Callable[[], None]) -> None:
        """Sample until cancelled; `sampled` is called after each. A sample that fails is logged and left out."""
        while True:
            try:
                # Off the loop: a network file system that is away answers after minutes, or never.
                self._samples.append(await asyncio.to_thread(self._sampler.sample))
                sampled()
            except Exception:  # noqa: BLE001 - a boundary: what the machine refuses once it may tell next time
                _log.exception("the machine could not be sampled")
            await asyncio.sleep(self._every)
