"""What does the suite hold and use, while nobody looks and while many do?"""

from collections.abc import Iterator
from pathlib import Path

from tests.bench.pages import chromium_driver, visitor
from tests.bench.row import Aim, Row
from tests.bench.suite import Usage, groups, trading, used
from tests.bench.viewers import watching
from tests.running import Suite

NAME = "processes"
TITLE = "Memory and processor time of each process"
ORDER = 30
METHOD = """
A suite as `make run` starts it, the bot trading every 3 s. Processor time is the difference of the kernel's own
counters over 20 s, as per cent of one core; memory is read at the end of each window (RSS, and PSS, which shares what
several processes map; megabytes of 10⁶ bytes). A browser has loaded each page once before. Idle: no page is open. A
viewer is a socket that asks for every panel of a dashboard, one or twenty of them at each dashboard. The database is
the embedded server with all its backends.
"""
SECONDS = 20.0
VIEWERS = 20
RSS_AIMS = {"trading dashboard": Aim(180), "system dashboard": Aim(180), "manager": Aim(60)}


def measure(folder: Path) -> Iterator[Row]:
    with trading(folder) as suite:
        _visit(suite)
        watched = groups(suite)
        idle = used(watched, SECONDS)
        with watching(suite, 1):
            one = used(watched, SECONDS)
        with watching(suite, VIEWERS):
            many = used(watched, SECONDS)
    for name in watched:
        yield from _rows(name, idle[name], one[name], many[name])


def _visit(suite: Suite) -> None:
    """Load both pages: a dashboard that has never served its scripts holds less."""
    with chromium_driver() as driver, visitor(driver) as person:
        for name in ("trading", "system"):
            person.load(suite.url(name))


def _rows(name: str, idle: Usage, one: Usage, many: Usage) -> Iterator[Row]:
    title = name.capitalize()
    aim = RSS_AIMS.get(name)
    if name == "database":  # its backends share most of their memory: a sum of their RSS would count it many times
        yield Row(f"{title}, idle: PSS", idle.pss_megabytes, "MB")
    else:
        yield Row(f"{title}, idle: RSS", idle.rss_megabytes, "MB", aim, f"PSS {idle.pss_megabytes:.0f} MB")
    if name.endswith("dashboard"):
        yield Row(f"{title}, {VIEWERS} viewers: RSS", many.rss_megabytes, "MB", aim, f"PSS {many.pss_megabytes:.0f} MB")
    yield Row(f"{title}, idle: processor", idle.cpu_percent, "% of a core")
    yield Row(f"{title}, 1 viewer: processor", one.cpu_percent, "% of a core")
    yield Row(f"{title}, {VIEWERS} viewers: processor", many.cpu_percent, "% of a core")
    if name.endswith("dashboard"):
        share = (many.cpu_percent - one.cpu_percent) / (VIEWERS - 1)
        yield Row(f"{title}: processor for each further viewer", share, "% of a core")
