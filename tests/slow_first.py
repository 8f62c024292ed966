"""Which test files start first? Those that take longest: one that starts last is waited for by idle processors."""

from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest


def arranged(items: list[pytest.Item]) -> list[pytest.Item]:
    """Put files that start a whole suite or a browser before the others; within a file the order stays."""
    tests = Counter(item.path for item in items)
    return sorted(items, key=_before(tests))


def _before(tests: Counter[Path]) -> Callable[[pytest.Item], tuple[int, int, str]]:
    return lambda item: (-weight(item.path), -tests[item.path], str(item.path))


@cache
def weight(path: Path) -> int:
    """Say how long a file takes, from what it uses: 3 is minutes, 0 is seconds."""
    if path.parent.name == "chaos":
        return 3
    text = path.read_text()
    starts_a_suite = "running(" in text and "Suite(" in text
    return starts_a_suite + ("pytest.mark.browser" in text)
