"""What does monitoring cost the bot?"""

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.row import Aim, Row, median_row
from tests.bench.suite import SETTLE_SECONDS, Group, used
from tests.running import Suite, running

NAME = "bot_cost"
TITLE = "The bot with and without monitoring"
ORDER = 40
METHOD = """
The same bot on the same data folder, once with `--enable-monitoring` and once with `--disable-monitoring`, in turn.
Processor time of the bot's own process over 30 s, as per cent of one core, from three seconds after everything answers.
Both record everything; the difference is what running the dashboards beside it asks of the bot's process.
"""
SECONDS = 30.0
ROUNDS = 2
MONITORED = ("bot", "trading", "system", "worker")


def measure(folder: Path) -> Iterator[Row]:
    suite_folder = folder / "suite"
    with_it: list[float] = []
    without: list[float] = []
    for number in range(ROUNDS):
        # The order changes with each round, so that a machine that grows slower or faster favours neither.
        for monitored in (True, False) if number % 2 == 0 else (False, True):
            (with_it if monitored else without).append(_bot_percent(suite_folder, monitored=monitored))
    yield median_row("Bot with monitoring: processor", with_it, "% of a core")
    yield median_row("Bot without monitoring: processor", without, "% of a core")
    cost = statistics.median(with_it) - statistics.median(without)
    yield Row("What monitoring adds to the bot's processor time", cost, "% of a core", Aim(2))


def _bot_percent(folder: Path, *, monitored: bool) -> float:
    with running(Suite(folder), "trade", "--enable-monitoring" if monitored else "--disable-monitoring") as suite:
        suite.wait_until_ready(*(MONITORED if monitored else ("bot",)))
        time.sleep(SETTLE_SECONDS)
        return used({"bot": Group(suite.processes[-1].pid)}, SECONDS)["bot"].cpu_percent
