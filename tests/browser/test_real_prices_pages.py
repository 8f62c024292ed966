"""Which panels have data after a replay of real prices, and what do the others say why not?"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.browser.test_real_prices import finished
from tests.browser.walk import PANELS, walk
from tests.prices import write_bars
from tests.running import Suite, running, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
EMPTY = {
    "pending_orders": "no order of it waits at the moment",  # the replay has ended, and its orders with it
    "rejects": "no order was refused in All",
    "correlation": "Two strategies are needed",  # a replay is traded by one
    "model_quality": "no model was judged in All",  # one needs 127 closes, the other moves within six hours
    "indices": "tells of no index",  # four stocks are in the files
    "index_history": "tells of no index",
    "alerts": "Nothing has fired in All",
}
"""Where there is truly nothing: the words of its empty state that say so."""


@pytest.fixture(scope="module")
def suite(run_dir: Path) -> Iterator[Suite]:
    """A bot that has traded five months of real prices as fast as it can."""
    prices = write_bars(run_dir / "pages" / "prices", "2012-06-01", "2012-10-31")
    started = Suite(run_dir / "pages" / "suite")
    with running(started, "trade", "--enable-monitoring", "--feed", f"replay:{prices}", "--speed", "20"):
        started.wait_until_ready("trading", "bot")
        until(lambda: finished(started), 90, "the replay's end")
        yield started


async def test_every_panel_has_data_after_a_replay_or_says_what_the_files_lack(browser: Browser, suite: Suite) -> None:
    found = await walk(browser, suite.url("trading", ""), "range=All")
    assert set(found) == {panel for panels in PANELS.values() for panel in panels}
    empty = {name: " ".join(each.empty) for name, each in found.items() if not each.has_data}
    unexpected = {name: words for name, words in empty.items() if EMPTY.get(name, "\0") not in words}
    assert not unexpected, f"empty though the replay may have the data: {unexpected}"
    assert set(empty) == set(EMPTY), "has data now: no exception any more"
