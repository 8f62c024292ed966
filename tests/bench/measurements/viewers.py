"""What does each further viewer cost, and does the database notice?"""

import asyncio
import re
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from main.database.embedded import EmbeddedServer
from tests.bench.crowd import Crowd, Heard, busiest_charts, looking_at
from tests.bench.interval_viewers import interval_dash
from tests.bench.row import Aim, Row, median_row
from tests.bench.suite import Usage, groups, trading, used
from tests.running import Suite, fetch, until

NAME = "viewers"
TITLE = "One viewer and two hundred"
ORDER = 50
METHOD = """
A suite whose bot looks at its market every second, and the ten charts of the trading dashboard that change most often,
watched by one and by two hundred sockets of the same scope, in a process of their own; each checks that no version is
lost or out of order, three times in turn. Processor time is the difference of the kernel's own counters over 20 s; a
viewer's is what two hundred took more than the one before, divided by 199, the median of the three. Questions are those
that the dashboard put to the database, by its own counter. The baseline is the usual way in Dash
(`tests/bench/interval_dash.py`): as many charts of the same kinds and points, a callback for each on an interval of a
second, one query of the same database for each callback; its viewers send what its page would send, and a viewer's time
is what five took more than none, divided by five.
"""
CHARTS, VIEWERS, PLAIN_VIEWERS = 10, 200, 5
SECONDS = 20.0
TURNS = 3
LOOK_SECONDS = 12.0
CHEAP = Aim(0.06, strict=False)
TENFOLD = Aim(10, least=True)
LIGHT = Aim(220)
QUESTIONS = re.compile(rb"^ai_trader_questions_answered_total(?:\{.*?\})? ([0-9.e+]+)$", re.M)
SERVER = "trading dashboard"


@dataclass(frozen=True, slots=True)
class Watched:
    """A window in which so many looked: what the dashboard used and asked, what one viewer was told."""

    usage: Usage
    questions_per_second: float
    updates_per_second: float
    tails_per_second: float
    messages_per_second: float
    bytes_per_second: float

    @property
    def milliseconds(self) -> float:
        """Processor time, milliseconds a second."""
        return 10 * self.usage.cpu_percent


def measure(folder: Path) -> Iterator[Row]:
    with trading(folder, "--interval", "1") as suite:
        charts = asyncio.run(busiest_charts(suite, "trading", CHARTS, LOOK_SECONDS))
        turns = [(_watched(suite, list(charts), 1), _watched(suite, list(charts), VIEWERS)) for _ in range(TURNS)]
        one, many = turns[-1]
        address = EmbeddedServer(suite.folder / "data").running()
        assert address is not None
        with interval_dash(folder, charts, address) as plain:
            none = used({"plain": plain.process}, SECONDS)["plain"]
            with plain.watched(PLAIN_VIEWERS):
                until(lambda: plain.answers >= CHARTS * PLAIN_VIEWERS, 30, "every plain viewer was answered once")
                before = plain.answers, plain.received_bytes
                some = used({"plain": plain.process}, SECONDS)["plain"]
                answers, received = plain.answers - before[0], plain.received_bytes - before[1]
    costs = [(crowd.milliseconds - alone.milliseconds) / (VIEWERS - 1) for alone, crowd in turns]
    each = statistics.median(costs)
    if each <= 0:
        raise AssertionError(f"two hundred viewers took no more than one ({costs} ms/s each): nothing is measured")
    theirs = 10 * (some.cpu_percent - none.cpu_percent) / PLAIN_VIEWERS
    said = f"charts: {', '.join(charts)}"
    yield Row("Changes of those charts, told to one viewer", one.updates_per_second, "/s", None, said)
    yield Row("Of them told as tails", one.tails_per_second, "/s")
    yield Row(f"Messages to each of {VIEWERS} viewers", many.messages_per_second, "/s")
    yield Row("Bytes to one viewer", one.bytes_per_second / 1e3, "kB/s")
    yield median_row("Dashboard, 1 viewer: processor", (alone.milliseconds for alone, _ in turns), "ms/s")
    yield median_row(f"Dashboard, {VIEWERS} viewers: processor", (crowd.milliseconds for _, crowd in turns), "ms/s")
    yield median_row("Each further viewer: processor", costs, "ms/s", CHEAP)
    yield Row(
        "Each viewer of plain Dash: processor",
        theirs,
        "ms/s",
        None,
        f"{answers / SECONDS:.0f} of {CHARTS * PLAIN_VIEWERS} answers/s, {received / SECONDS / 1e3:,.0f} kB/s",
    )
    yield Row("Plain Dash ÷ ours, a viewer", theirs / each, "", TENFOLD)
    yield Row("Questions to the database, 1 viewer", one.questions_per_second, "/s")
    yield Row(f"Questions to the database, {VIEWERS} viewers", many.questions_per_second, "/s")
    yield Row(f"Dashboard, {VIEWERS} viewers: RSS", many.usage.rss_megabytes, "MB", LIGHT)


def _watched(suite: Suite, charts: list[str], count: int) -> Watched:
    crowd = Crowd(suite, "trading", [looking_at(charts)], [count])
    server = {SERVER: groups(suite)[SERVER]}
    with crowd.watching():
        # The first answers of all are another figure: everything is told as it comes from then on.
        until(lambda: all(_changes(each) >= 3 * len(charts) for each in crowd.heard()), 60, "changes are told")
        asked, before = questions(suite), crowd.heard()[0]
        usage = used(server, SECONDS)[SERVER]
        asked, after = questions(suite) - asked, crowd.check()[0]
    told = _changes(after) - _changes(before)
    tails, received = after.tails - before.tails, after.received_bytes - before.received_bytes
    messages = after.messages - before.messages
    return Watched(usage, *(each / SECONDS for each in (asked, told, tails, messages, received)))


def _changes(heard: Heard) -> int:
    return sum(heard.contents.values())


def questions(suite: Suite) -> float:
    """Return how many questions the trading dashboard put to the database since it started."""
    status, body = fetch(suite.url("trading", "/metrics"))
    found = QUESTIONS.search(body)
    assert status == 200, status
    assert found, "the dashboard tells how many questions it answered"
    return float(found.group(1))
