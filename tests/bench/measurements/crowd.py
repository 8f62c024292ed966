"""Do two hundred viewers and five browsers see every change soon, in order, for as long as they look?"""

import asyncio
import os
import random
import statistics
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from playwright.async_api import Browser, Page, async_playwright, expect

from main.database.embedded import EmbeddedServer
from tests.bench.crowd import Crowd, Heard, Wish
from tests.bench.first_screens import VIEWPORT, first_screens, spread
from tests.bench.marks import WATCH, Commit, Marks, seen
from tests.bench.row import Aim, Row, quantile
from tests.bench.suite import Group, Usage, groups, trading, used
from tests.browser.chromium import chromium
from tests.browser.conftest import ARGUMENTS
from tests.running import Suite

NAME = "crowd"
TITLE = "Two hundred viewers and five browsers"
ORDER = 61
SECONDS = float(os.environ.get("BENCH_CROWD_SECONDS", "600"))
STALLED, STALL_SECONDS = 5, 60.0
METHOD = f"""
A suite whose bot looks at its market every second. Fills of their own are committed by plain SQL at irregular moments;
a page is a real Chromium on the trading dashboard's Overview, which notes when the fill's symbol is in the text of the
activity panel: the time is from the acknowledged commit to that change of the page (DOM), over all pages and commits.
First with one page alone, then one page with 49 sockets beside it, then for {SECONDS:.0f} s five pages with 200 sockets
(`BENCH_CROWD_SECONDS`). The sockets ask for what a real page sends when it is opened at 1440 × 900: half of them for
the first screen of the Overview, the others for those of the eight other pages, each with its page's own range. They
are in a process of their own that shares the machine's processors with the suite and the browsers; every one checks the
versions of all panels it is told of (a version may be passed over for a newer one, but none may come after a newer one,
and a tail only after the version that it continues) by a scan of the bytes, and one in twenty parses everything and
compares. Memory is the dashboard's RSS at the end of each quarter of that time. The bot's cycle is the time of its
whole loop, sampled once a second, without any viewer and with all of them. Last, {STALLED} more come and
read nothing for {STALL_SECONDS:.0f} s, while the others go on: the dashboard's RSS at the end of it is held against the
one before (the server lets go of who answers no ping).
"""
COMMITS = 60
PAUSE, LONG_PAUSE = 0.4, 2.0
QUARTERS = 4
GIVE_UP_SECONDS = 10.0
VIEWERS, PAGES = 200, 5
SOON, LATE = Aim(60), Aim(250)
SERVER = "trading dashboard"
T = TypeVar("T")


@dataclass
class Seen:
    """Seconds from commit to page, and commits that a page never showed."""

    seconds: list[float] = field(default_factory=list)
    lost: int = 0

    def add(self, commits: list[Commit], moments: dict[str, float]) -> None:
        """Take what one page showed of these commits."""
        self.lost += sum(commit.mark not in moments for commit in commits)
        self.seconds += [moments[commit.mark] - commit.acknowledged for commit in commits if commit.mark in moments]

    def rows(self, title: str, aims: tuple[Aim | None, Aim | None]) -> Iterator[Row]:
        spread = f"{1000 * min(self.seconds):.3g} … {1000 * max(self.seconds):.3g}, n = {len(self.seconds)}"
        yield Row(f"Commit to page, {title}: median", 1000 * quantile(self.seconds, 0.5), "ms", aims[0], spread)
        yield Row(f"Commit to page, {title}: 95th percentile", 1000 * quantile(self.seconds, 0.95), "ms", aims[1])
        yield Row(f"Commits that a page did not show, {title}", self.lost, "", Aim(0, strict=False))


def measure(folder: Path) -> Iterator[Row]:
    with trading(folder, "--interval", "1") as suite:
        alone = cycle_seconds(suite, 20)
        wishes = in_a_loop(_first_screens(suite))
        yield from in_a_loop(shown(suite, 1, range(COMMITS), PAUSE)).rows("1 viewer", (SOON, LATE))
        with Crowd(suite, "trading", wishes, spread(49, wishes)).watching():
            yield from in_a_loop(shown(suite, 1, range(100, 100 + COMMITS), PAUSE)).rows("50 viewers", (SOON, LATE))
        yield from _for_long(suite, wishes, alone)


def _for_long(suite: Suite, wishes: list[Wish], alone: float) -> Iterator[Row]:
    crowd = Crowd(suite, "trading", wishes, spread(VIEWERS, wishes))
    server = {SERVER: groups(suite)[SERVER]}
    marks = range(1000, 1000 + max(8, int(SECONDS / LONG_PAUSE)))
    with ThreadPoolExecutor(2) as aside, crowd.watching():
        showing = aside.submit(in_a_loop, shown(suite, PAGES, marks, LONG_PAUSE))
        cycling = aside.submit(cycle_seconds, suite, SECONDS)
        usages = [used(server, SECONDS / QUARTERS)[SERVER] for _ in range(QUARTERS)]
        found, cycle = showing.result(SECONDS + GIVE_UP_SECONDS * PAGES), cycling.result(GIVE_UP_SECONDS)
        heard = crowd.heard()
        yield from _seen_rows(found, heard, usages, alone, cycle)
        yield _stalled(suite, wishes, server)


def _seen_rows(found: Seen, heard: list[Heard], usages: list[Usage], alone: float, cycle: float) -> Iterator[Row]:
    yield from found.rows(f"{VIEWERS} viewers and {PAGES} browsers", (None, LATE))
    told = f"{sum(each.messages for each in heard):,} messages, {sum(each.tails for each in heard):,} tails"
    disorder = sum(len(each.wrong) for each in heard)
    yield Row("Sockets lost, versions out of order", disorder, "", Aim(0, strict=False), told)
    yield from _server_rows(usages)
    yield Row("Bot's cycle without viewers, median", 1000 * alone, "ms")
    yield Row("Bot's cycle with all of them, median", 1000 * cycle, "ms")


def _stalled(suite: Suite, wishes: list[Wish], server: dict[str, Group]) -> Row:
    """Measure by how much the dashboard grows while further sockets read nothing any more."""
    with Crowd(suite, "trading", wishes[:1], [STALLED]).watching(faithful=False) as stalling:
        before = server[SERVER].memory()[0]
        stalling.stall(STALLED)
        more = used(server, STALL_SECONDS)[SERVER].rss_megabytes - before
    return Row(f"{STALLED} more that read nothing for {STALL_SECONDS:.0f} s: RSS more", more, "MB", Aim(5))


def _server_rows(usages: list[Usage]) -> Iterator[Row]:
    memory = [usage.rss_megabytes for usage in usages]
    told = " → ".join(f"{each:.0f}" for each in memory)
    yield Row(f"Dashboard, {VIEWERS} viewers: RSS", memory[-1], "MB", Aim(220), told)
    yield Row("RSS after the last quarter ÷ after the first", memory[-1] / memory[0], "", Aim(1.1))
    yield Row("Dashboard: processor", statistics.median(each.cpu_percent for each in usages), "% of a core")


def in_a_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run it in a loop of its own, for a thread that has none."""
    return asyncio.run(coroutine)


async def _first_screens(suite: Suite) -> list[Wish]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        wishes = await first_screens(suite, browser)
        await browser.close()
    return wishes


async def shown(suite: Suite, pages: int, numbers: range, pause: float) -> Seen:
    """Commit marks, and note when so many real pages showed each of them."""
    address = EmbeddedServer(suite.folder / "data").running()
    assert address is not None
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        opened = [await _opened(browser, suite.url("trading", "/overview")) for _ in range(pages)]
        marks = await Marks.prepared(address, numbers)
        commits = []
        for number in numbers:
            commits.append(await marks.commit(number))
            await asyncio.sleep(random.uniform(0.5 * pause, 1.5 * pause))
        found = Seen()
        for page in opened:
            found.add(commits, await _all_seen(page, {commit.mark for commit in commits}))
        await marks.close()
        await browser.close()
    return found


async def _all_seen(page: Page, wanted: set[str]) -> dict[str, float]:
    """Return what a page showed, as soon as the wanted are among it, or after a while."""
    ends = time.monotonic() + GIVE_UP_SECONDS
    while not wanted <= set(found := await seen(page)) and time.monotonic() < ends:
        await asyncio.sleep(0.1)
    return found


async def _opened(browser: Browser, url: str) -> Page:
    page = await browser.new_page(viewport=VIEWPORT)
    await page.add_init_script(WATCH)
    await page.goto(url)
    await page.locator("#panel-activity").evaluate("panel => panel.scrollIntoView()")
    await expect(page.locator("#badge-activity")).to_contain_text("Live")
    return page


def cycle_seconds(suite: Suite, seconds: float) -> float:
    """Return the median time of the bot's cycle, looked at once a second."""
    ends, found = time.monotonic() + seconds, []
    while time.monotonic() < ends:
        found.append(float(suite.json("bot", "/status")["cycle_seconds"]))
        time.sleep(1)
    return statistics.median(found)
