"""How soon, and out of how much memory, are a machine's figures told: by Glances, and by the system dashboard?"""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench import glances
from tests.bench.row import Row, median_row, quantile
from tests.bench.suite import Group, groups, trading

NAME = "glances"
TITLE = "Beside Glances"
ORDER = 78
METHOD = f"""
`glances -w` ({glances.REQUIREMENT}) is installed into a virtual environment that is thrown away, and asked for all it
knows of this machine: `{glances.PATH}`. Of the system dashboard the same content is asked in two ways. Stored: the
reads host_history, host_cpu, host_memory, host_files, host_file_systems, host_disks, host_network, host_temperatures
and processes of the last quarter of an hour, each a request; one measured time is that of all of them, one after the
other. Live: host_now and processes, two requests. Each connection is kept and asks as soon as it has its answer, for
10 s; the client is a plain socket, the same for both. Both run at once, and each is asked while the other is not. The
suite's processes do more than that: the dashboard also serves its pages, and the worker also keeps books.
"""
SECONDS = 10.0
CONNECTIONS = (1, 8)
STORED = (
    *("host_history", "host_cpu", "host_memory", "host_files", "host_file_systems", "host_disks", "host_network"),
    *("host_temperatures", "processes"),
)
LIVE = ("host_now", "processes")


def measure(folder: Path) -> Iterator[Row]:
    with trading(folder) as suite:
        ours = groups(suite)
        for title, reads in (("System dashboard, stored", STORED), ("System dashboard, live", LIVE)):
            paths = tuple(f"/api/reads/{name}?range=15m" for name in reads)
            yield from _asked(title, suite.port("system"), paths)
        for name in ("system dashboard", "worker"):
            rss, pss = ours[name].memory()
            yield Row(f"{name.capitalize()}: RSS", rss, "MB", spread=f"PSS {pss:.0f} MB")
        try:
            command = glances.installed(folder)
        except glances.NotInstalled as error:
            yield Row(f"Glances could not be installed ({error}): measured without it", 0, "")
            return
        with glances.serving(command, folder) as (port, pid):
            yield from _asked("Glances", port, (glances.PATH,))
            rss, pss = Group(pid, with_children=True).memory()
            yield Row("Glances: RSS", rss, "MB", spread=f"PSS {pss:.0f} MB")


def _asked(title: str, port: int, paths: tuple[str, ...]) -> Iterator[Row]:
    for count in CONNECTIONS:
        answers = asyncio.run(_at_once(port, paths, count))
        times = [milliseconds for milliseconds, _ in answers]
        name = f"{title}, {count} connection{'s' if count > 1 else ''}"
        yield median_row(f"{name}: median", times, "ms")
        yield Row(f"{name}: 95th percentile", quantile(times, 0.95), "ms")
        yield Row(f"{name}: complete answers", len(times) / SECONDS, "a second")
    yield Row(f"{title}: size of the answer", answers[-1][1] / 1e3, "kB")


async def _at_once(port: int, paths: tuple[str, ...], count: int) -> list[tuple[float, int]]:
    await _viewer(port, paths, 0.0)  # whoever asks first pays for what is loaded once
    ends = time.monotonic() + SECONDS
    found = await asyncio.gather(*(_viewer(port, paths, ends) for _ in range(count)))
    return [answer for each in found for answer in each]


async def _viewer(port: int, paths: tuple[str, ...], ends: float) -> list[tuple[float, int]]:
    """Ask for all paths in turn, at least once and until a moment; return milliseconds and bytes of each round."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    rounds: list[tuple[float, int]] = []
    while not rounds or time.monotonic() < ends:
        began, size = time.perf_counter(), 0
        for path in paths:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            if b" 200 " not in head.split(b"\r\n", 1)[0]:
                raise RuntimeError(f"{path}: {head.decode(errors='replace').splitlines()[0]}")
            length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
            await reader.readexactly(length)
            size += length
        rounds.append((1000 * (time.perf_counter() - began), size))
    writer.close()
    return rounds
