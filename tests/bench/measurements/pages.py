"""How long until a person sees the page: the first paint, and every panel of it?"""

import contextlib
import statistics
import subprocess
import sys
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path

from playwright.sync_api import Playwright

from tests.bench.pages import Drawn, chromium_driver, visitor
from tests.bench.row import Aim, Row, median_row, written
from tests.bench.suite import trading
from tests.running import fetch, free_ports, until

NAME = "pages"
TITLE = "Loading the pages"
ORDER = 20
METHOD = """
A real Chromium loads each dashboard of a trading suite: cold with a new profile, and warm, the third load in
the same profile, for a browser keeps a script compiled only from its second use on (the second load is not counted).
First paint is the browser's own first-contentful-paint (of plain Dash: the word "Loading..."); framed means all panels
are there with their titles; complete, every panel is drawn with a badge that says Live, in a window so high that none
of them waits below the fold. All from the start of the navigation. The baseline, measured in turn with it, is a page in
plain Dash on its default server (`tests/bench/plain_dash.py`) with as many charts of the same kinds and points and as
many elements, one callback per panel on an interval, and no database to ask. A ratio is of two loads that followed each
other; the median of three stands here.
"""
REPETITIONS = 3
MOMENTS = (
    ("first paint", attrgetter("first_paint"), None),
    ("panels framed", attrgetter("framed"), None),
    ("complete", attrgetter("complete"), Aim(1.5)),
)
Loads = list[Drawn]


def measure(folder: Path) -> Iterator[Row]:
    with trading(folder) as suite, chromium_driver() as driver:
        for name in ("trading", "system"):
            url = suite.url(name)
            with visitor(driver) as first:
                shape = first.shape(url)
            with baseline(folder, shape) as plain:
                ours, theirs = ([], []), ([], [])
                _load(driver, plain, ([], []))  # its first request of all, as ours has had
                for _ in range(REPETITIONS):
                    _load(driver, url, ours)
                    _load(driver, plain, theirs)
            yield from _rows(name.capitalize(), ours, theirs)


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


def _load(driver: Playwright, url: str, into: tuple[Loads, Loads]) -> None:
    cold, warm = into
    with visitor(driver) as person:
        cold.append(person.load(url))
        person.load(url)
        warm.append(person.load(url))


def _rows(name: str, ours: tuple[Loads, Loads], theirs: tuple[Loads, Loads]) -> Iterator[Row]:
    for which, mine, plain in zip(("cold", "warm"), ours, theirs, strict=True):
        for figure, moment, aim in MOMENTS:
            seconds, plain_seconds = [moment(each) for each in mine], [moment(each) for each in plain]
            ratios = [one / other for one, other in zip(seconds, plain_seconds, strict=True)]
            yield median_row(f"{name}, {which}: {figure}", seconds, "s", aim)
            said = f"plain Dash {written(statistics.median(plain_seconds))} s"
            yield Row(f"{name}, {which}: {figure} ÷ plain Dash", statistics.median(ratios), "", None, said)
