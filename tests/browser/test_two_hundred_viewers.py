"""Do two hundred viewers, and browsers beside them, see every change in order, of a server that stays as small?

The long form, with five browsers and for ten minutes, also measures how soon they see it:
``python -m tests.bench crowd``.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.bench.crowd import Crowd, looking_at
from tests.bench.measurements.crowd import SERVER, VIEWERS, in_a_loop, shown
from tests.bench.suite import groups
from tests.running import Suite, running, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
BROWSERS = 2
PANELS = ("activity", "equity", "positions", "account_cards")
MORE_MEGABYTES = 45.0
"""What two hundred sockets and their pages' first answers may take: three hundred kilobytes each."""


def test_two_hundred_viewers_and_two_browsers_see_every_commit_in_order(tmp_path: Path) -> None:
    suite = Suite(tmp_path / "suite")
    with running(suite, "trade", "--enable-monitoring", "--interval", "1"):
        suite.wait_until_ready("trading", "bot")
        server = groups(suite)[SERVER]
        with Crowd(suite, "trading", [looking_at(PANELS)], [1]).watching():
            in_a_loop(shown(suite, 1, range(90, 91), 0.1))  # what the first page of all takes is nobody's
            before, _ = server.memory()
        crowd = Crowd(suite, "trading", [looking_at(PANELS)], [VIEWERS])
        with ThreadPoolExecutor(1) as aside, crowd.watching():
            found = aside.submit(in_a_loop, shown(suite, BROWSERS, range(12), 0.5)).result(200)
            until(lambda: "activity" not in crowd.apart(), 20, "all viewers hold the same version of the activity")
            after, _ = server.memory()
            heard = crowd.check()
        assert found.lost == 0, "commits that a page did not show"
        assert all(each.contents["activity"] for each in heard)
        assert after - before < MORE_MEGABYTES, f"{before:.0f} MB, then {after:.0f} MB"
