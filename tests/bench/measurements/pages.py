"""How long until a person sees a page, and what does it cost: bytes, requests, the server's time?"""

import contextlib
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Playwright

from main.monitoring.dashboards.v2.navigation import SYSTEM_PAGES, TRADING_PAGES
from main.monitoring.dashboards.v2.panel import panels_of
from tests.bench.pages import Drawn, chromium_driver, visitor
from tests.bench.row import Aim, Row, median_row, written
from tests.bench.suite import Group, groups, trading
from tests.running import Suite, fetch, free_ports, until

NAME = "pages"
TITLE = "Loading the pages"
ORDER = 20
METHOD = """
A real Chromium loads every page of both dashboards of a trading suite: cold with a new profile, and warm, the third
load in the same profile, for a browser keeps a script compiled only from its second use on (the second load is not
counted). The figure is the time from the start of the navigation until every panel is drawn and says how fresh it is,
in a window so high that none of them waits below the fold. Beside it stand what came over the network until then,
compressed and with the socket's messages, the requests that the browser could not answer from its own cache, and the
processor time of the dashboard's process, with what it does for a live suite meanwhile. First paint is the browser's
own first-contentful-paint (of plain Dash: the word "Loading..."). The baseline, measured in turn with each
dashboard's first page, is a page in plain Dash on its default server (`tests/bench/plain_dash.py`) with as many
charts of the same kinds and points and as many elements, one callback per panel on an interval, and no database to
ask; a ratio is of two loads that followed each other, the median of them stands here. Our pages have the small Plotly
if it was built (`make plotly`), plain Dash has the packaged one. `BENCH_LOADS` is how often each
page is loaded, three times where it is not set.
"""
LOADS = int(os.environ.get("BENCH_LOADS", "3"))
PAGES = {"trading": TRADING_PAGES, "system": SYSTEM_PAGES}
AIMS = {"cold": Aim(1.5), "warm": Aim(0.5)}
RATIOS = {"cold": Aim(0.6, strict=False), "warm": Aim(0.5, strict=False)}
MEGABYTES = Aim(1.6)


@dataclass
class Loads:
    """Loads of one page, cold or warm, and the milliseconds of processor time that each took the server."""

    drawn: list[Drawn] = field(default_factory=list)
    server_ms: list[float] = field(default_factory=list)

    @property
    def cost(self) -> str:
        """The medians of what else a load took."""
        received = statistics.median(each.received_bytes for each in self.drawn) / 1e6
        requests = statistics.median(each.requests for each in self.drawn)
        server = f", server {written(statistics.median(self.server_ms))} ms" if self.server_ms else ""
        return f"{written(received)} MB, {requests:.0f} requests{server}"


Both = dict[str, Loads]


def measure(folder: Path) -> Iterator[Row]:
    with trading(folder) as suite, chromium_driver() as driver:
        for dashboard in PAGES:
            yield from _dashboard(folder, suite, driver, dashboard)


def _dashboard(folder: Path, suite: Suite, driver: Playwright, dashboard: str) -> Iterator[Row]:
    server = groups(suite)[f"{dashboard} dashboard"]
    filled = {panel.page for panel in panels_of(dashboard)}
    urls = {page.name: suite.url(dashboard, page.address) for page in PAGES[dashboard] if page.name in filled}
    with visitor(driver) as first:  # the first request of all is nobody's; and a page that is not drawn shows here
        for url in urls.values():
            first.load(url)
    for number, (page, url) in enumerate(urls.items()):
        if number == 0:
            yield from _beside_plain_dash(folder, driver, server, url, f"{dashboard.capitalize()}: {page}")
        else:
            loads = _both()
            for _ in range(LOADS):
                _load(driver, url, loads, server)
            yield from _rows(f"{dashboard.capitalize()}: {page}", loads)


def _beside_plain_dash(folder: Path, driver: Playwright, server: Group, url: str, name: str) -> Iterator[Row]:
    with visitor(driver) as first:
        shape = first.shape(url)
    ours, theirs = _both(), _both()
    with baseline(folder, shape) as plain:
        _load(driver, plain, _both())
        for _ in range(LOADS):
            _load(driver, url, ours, server)
            _load(driver, plain, theirs)
    yield from _rows(name, ours)
    for which, mine in ours.items():
        yield median_row(f"{name}, {which}: first paint", [each.first_paint for each in mine.drawn], "s")
        pairs = zip(mine.drawn, theirs[which].drawn, strict=True)
        ratios = [one.complete / other.complete for one, other in pairs]
        seconds = statistics.median(each.complete for each in theirs[which].drawn)
        said = f"plain Dash {written(seconds)} s; {theirs[which].cost}"
        yield Row(f"{name}, {which} ÷ plain Dash", statistics.median(ratios), "", RATIOS[which], said)
    received = [each.received_bytes / 1e6 for each in ours["cold"].drawn]
    yield median_row(f"{name}, cold: received", received, "MB", MEGABYTES)


@contextlib.contextmanager
def baseline(folder: Path, shape: str) -> Iterator[str]:
    """The plain Dash page, in a process of its own."""
    port = free_ports(1)[0]
    program = Path(__file__).parents[1] / "plain_dash.py"
    with (folder / "plain_dash.txt").open("w") as output:
        process = subprocess.Popen(
            [sys.executable, str(program), "--port", str(port), "--panels", shape], stdout=output, stderr=output
        )
    url = f"http://127.0.0.1:{port}/"
    try:
        until(lambda: fetch(url)[0] == 200, 20, "the baseline answers")
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _both() -> Both:
    return {"cold": Loads(), "warm": Loads()}


def _load(driver: Playwright, url: str, into: Both, server: Group | None = None) -> None:
    with visitor(driver) as person:
        for which in ("cold", "", "warm"):
            before = server.cpu_seconds() if server else 0.0
            drawn = person.load(url)
            if not which:
                continue
            into[which].drawn.append(drawn)
            if server:
                into[which].server_ms.append(1000 * (server.cpu_seconds() - before))


def _rows(name: str, loads: Both) -> Iterator[Row]:
    for which, found in loads.items():
        row = median_row(f"{name}, {which}", [each.complete for each in found.drawn], "s", AIMS[which])
        spread = f"{row.spread}; {found.cost}" if row.spread else found.cost
        yield Row(row.figure, row.value, row.unit, row.aim, spread)
