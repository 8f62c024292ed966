"""What do the worker's collectors cost, each by itself and all together?"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from main.database.embedded import EmbeddedServer
from tests.bench.row import Aim, Row
from tests.bench.suite import groups, trading, used
from tests.running import ROOT, Suite, told

NAME = "collectors"
TITLE = "The worker's collectors"
ORDER = 35
METHOD = """
A suite as `make run` starts it, the bot trading every 3 s. Beside it a process runs the same collectors at their own
pace (at least every 20 s) for 60 s, one after the other on one connection, and takes the processor time of each run:
its own, and that of the server's process behind the connection, as the kernel counts it. The share is that time over
the collector's real pace. Memory is what this process holds more than with nothing but the connection. The whole worker
is the suite's own in the same 60 s, with the jobs that collect nothing: books, roll-ups, partitions, retention.
"""
SECONDS = 60.0


def measure(folder: Path) -> Iterator[Row]:
    with trading(folder) as suite, ThreadPoolExecutor(1) as pool:
        worker = groups(suite)["worker"]
        whole = pool.submit(used, {"worker": worker}, SECONDS)
        found = _collected(suite)
        usage = whole.result()["worker"]
    shares = {"own": 0.0, "server": 0.0}
    for cost in found["costs"]:
        runs, pace = cost["runs"], cost["every_seconds"]
        own, server = (100 * cost[f"{whose}_seconds"] / runs / pace for whose in shares)
        shares["own"], shares["server"] = shares["own"] + own, shares["server"] + server
        name = f"{cost['name'].capitalize()}, every {pace:g} s"
        a_run = f"{1000 * cost['own_seconds'] / runs:.1f} ms a run, n = {runs}"
        yield Row(f"{name}: processor", own, "% of a core", spread=a_run)
        a_run = f"{1000 * cost['server_seconds'] / runs:.1f} ms a run"
        yield Row(f"{name}: the server for it", server, "% of a core", spread=a_run)
    yield Row("All collectors together: processor", shares["own"], "% of a core")
    yield Row("All collectors together: the server for them", shares["server"], "% of a core")
    yield Row("All collectors together, with the server for them", sum(shares.values()), "% of a core", Aim(1))
    yield Row("All collectors together: RSS", found["rss_bytes"] / 1e6, "MB")
    yield Row("The whole worker, its other jobs too: processor", usage.cpu_percent, "% of a core")
    yield Row("The whole worker: RSS", usage.rss_megabytes, "MB", spread=f"PSS {usage.pss_megabytes:.0f} MB")


def _collected(suite: Suite) -> dict[str, Any]:
    address = EmbeddedServer(suite.folder / "data").running()
    assert address is not None
    process = subprocess.run(
        [sys.executable, "-m", "tests.bench.collector_costs", str(SECONDS)],
        cwd=ROOT,
        env=os.environ | suite.environment | {"BENCH_ADDRESS": json.dumps(told(address)), "PYTHONPATH": f"{ROOT}/src"},
        capture_output=True,
        text=True,
        timeout=SECONDS + 60,
        check=False,
    )
    if process.returncode:
        raise RuntimeError(process.stderr.strip())
    return dict(json.loads(process.stdout.splitlines()[-1]))
