"""How long from the command to two pages with data?"""

import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.pages import Visitor, chromium_driver, visitor
from tests.bench.row import Aim, Row, median_row
from tests.running import Suite, fetch, running, until

NAME = "start"
TITLE = "Starting"
ORDER = 10
METHOD = """
`python ai_trader.py trade --enable-monitoring`, which is what `make run` runs once the environment is set up, from the
start of the command until a Chromium that was waiting shows both dashboards with every panel drawn and Live. First: an
empty data folder, so that a database cluster is made and migrated; a panel whose curve needs a second observation says
so then, which spares the page its charts. Second: the same folder again, with charts. The browser is new each time, so
it has to compile Plotly on the same cores as the suite starts on. The last figure is from Ctrl-C until no process is
left.
"""
REPETITIONS = 3
SECOND = Aim(8)


def measure(folder: Path) -> Iterator[Row]:
    first, second, stops = [], [], []
    with chromium_driver() as driver:
        for number in range(REPETITIONS):
            for starts in (first, second):
                with visitor(driver) as person:
                    shown, ended = _start(folder / f"suite{number}", person)
                starts.append(shown)
                stops.append(ended)
    yield median_row("First start, until both pages show data", first, "s")
    yield median_row("Second start, until both pages show data", second, "s", SECOND)
    yield median_row("Ctrl-C until nothing is left", stops, "s")


def _start(folder: Path, person: Visitor) -> tuple[float, float]:
    suite = Suite(folder)
    began = time.monotonic()
    with running(suite, "trade", "--enable-monitoring"):
        pages = []
        for name in ("trading", "system"):
            url = suite.url(name)
            until(lambda url=url: fetch(url)[0] == 200, 60, f"{name} answers\n{suite.said()}")
            pages.append(person.open(url))
        for page in pages:
            person.drawn(page)
        shown = time.monotonic() - began
        ending = time.monotonic()
    return shown, time.monotonic() - ending
