"""In which order do test files start? Busy ones beside those that wait, the longest of each first.

A file that takes long and starts last is waited for by idle processors. A browser test keeps a processor busy; most
others wait for a process, a server or a time to come.
"""

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path

import pytest

BROWSER, SUITE, DATABASE, UNIT = 8.0, 5.0, 0.5, 0.02
LONG = {
    "test_accessibility.py": 35.0,
    "test_trading_scale.py": 25.0,
    "test_corrections.py": 15.0,
    "test_hostile.py": 15.0,
    "test_failover.py": 8.0,
    "test_chaos.py": 3.0,
}
"""Seconds of a test on average, roughly."""


def arranged(items: list[pytest.Item]) -> list[pytest.Item]:
    """Put files in the order in which they are to start; within a file the order stays."""
    files: defaultdict[Path, list[pytest.Item]] = defaultdict(list)
    for item in items:
        files[item.path].append(item)
    seconds = {path: seconds_of_a_test(path) * len(tests) for path, tests in files.items()}
    return [item for path in side_by_side(seconds) for item in files[path]]


def side_by_side(seconds: dict[Path, float]) -> Iterator[Path]:
    """Yield busy and waiting files in turns, so that both kinds last to the end."""
    longest_first = sorted(seconds, key=lambda path: (is_busy(path), -seconds[path], str(path)))
    kinds = [list(paths) for _, paths in groupby(longest_first, key=is_busy)]
    whole = [sum(seconds[path] for path in paths) for paths in kinds]
    begun = [0.0 for _ in kinds]
    while any(kinds):
        _, kind = min((begun[place] / whole[place], place) for place, paths in enumerate(kinds) if paths)
        path = kinds[kind].pop(0)
        begun[kind] += seconds[path]
        yield path


@cache
def is_busy(path: Path) -> bool:
    return "pytest.mark.browser" in path.read_text()


@cache
def seconds_of_a_test(path: Path) -> float:
    """Say how long a test of a file takes on average, from what the file uses."""
    text = path.read_text()
    if path.name in LONG:
        return LONG[path.name]
    if is_busy(path):
        return BROWSER
    if "Suite(" in text or "EmbeddedServer(" in text:
        return SUITE
    return UNIT if path.parent.name == "unit" else DATABASE
