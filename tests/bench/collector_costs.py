"""Runs the worker's collectors one after the other at their pace, in a process of its own: what does each of them use?

Prints one JSON document: seconds of processor time a run, of this process and of the connection's server process, and
the memory that collecting adds.
"""

import asyncio
import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from main.database.address import Address
from main.database.pool import Database

KEEPING = frozenset({"books", "partitions", "rollups", "retention"})
"""The worker's other jobs: they keep the data and collect none."""

LONGEST_PACE_SECONDS = 20.0
"""What is due more seldom is run this often, so that a short measurement has several runs of it."""

_REWIND = "UPDATE data_quality_progress SET looked_until = clock_timestamp() - $1 * interval '1 second'"


@dataclass(slots=True)
class Cost:
    """What one collector used: processor seconds over so many runs, of which `every_seconds` has one."""

    name: str
    every_seconds: float
    runs: int = 0
    own_seconds: float = 0.0
    server_seconds: float = 0.0


async def measure(address: Address, seconds: float) -> None:
    async with Collecting(address) as collecting:
        bare = psutil.Process().memory_info().rss
        await collecting.prepare()
        costs = await collecting.watch(seconds)
    added = psutil.Process().memory_info().rss - bare
    print(json.dumps({"rss_bytes": added, "costs": [asdict(cost) for cost in costs]}))  # noqa: T201


class Collecting:
    """The collectors with one connection, and the server's process behind it."""

    def __init__(self, address: Address) -> None:
        self._database = Database(address, role="service", max_size=1)
        self._server = 0

    async def __aenter__(self) -> "Collecting":
        await self._database.open()
        async with self._database.scoped() as connection:
            self._server = await connection.fetchval("SELECT pg_backend_pid()")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._database.close()

    async def prepare(self) -> None:
        """Load the collectors, only now, for their memory counts, and let each run once: first runs are slower."""
        from main.config import load_settings
        from main.housekeeping.duties import duties

        self._jobs = [job for job in duties(load_settings()) if job.name not in KEEPING]
        for job in self._jobs:
            await job.run(self._database)

    async def watch(self, seconds: float) -> list[Cost]:
        costs = {job.name: Cost(job.name, job.every_seconds) for job in self._jobs}
        due = dict.fromkeys(costs, time.monotonic())
        ends = time.monotonic() + seconds
        while (moment := min(due.values())) < ends:
            await asyncio.sleep(max(0.0, moment - time.monotonic()))
            for job in self._jobs:
                if due[job.name] == moment:
                    await self._measured(job.name, job.run, costs[job.name])
                    due[job.name] = moment + min(job.every_seconds, LONGEST_PACE_SECONDS)
        return list(costs.values())

    async def _measured(self, name: str, run: object, cost: Cost) -> None:
        if name == "data quality":  # as if nobody had measured since its last turn: the suite's own worker does too
            async with self._database.scoped() as connection:
                await connection.execute(_REWIND, cost.every_seconds)
        own, server = time.process_time(), self._server_seconds()
        await run(self._database)  # type: ignore[operator]
        cost.own_seconds += time.process_time() - own
        cost.server_seconds += self._server_seconds() - server
        cost.runs += 1

    def _server_seconds(self) -> float:
        """Processor time of the connection's server process; the kernel's scheduler knows it to the nanosecond."""
        try:
            return int(Path(f"/proc/{self._server}/schedstat").read_text().split()[0]) / 1e9
        except OSError:
            times = psutil.Process(self._server).cpu_times()
            return float(times.user + times.system)


if __name__ == "__main__":
    asyncio.run(measure(Address(**json.loads(os.environ["BENCH_ADDRESS"])), float(sys.argv[1])))
