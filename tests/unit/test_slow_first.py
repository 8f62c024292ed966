"""The order in which test files start, and how many run at a time."""

import os
from pathlib import Path

import pytest

from tests import conftest
from tests.slow_first import side_by_side


def test_busy_files_and_those_that_wait_take_turns_the_longest_of_each_first(tmp_path: Path) -> None:
    seconds = {}
    for name, text, length in (
        ("a", "pytest.mark.browser", 10),
        ("b", "pytest.mark.browser", 80),
        ("c", "pytest.mark.browser", 10),
        ("d", "", 20),
        ("e", "", 180),
    ):
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        seconds[path] = float(length)
    assert "".join(path.stem for path in side_by_side(seconds)) == "ebadc"
    assert list(side_by_side({})) == []


@pytest.mark.parametrize(("allowed", "workers"), [({0}, 2), ({1, 5}, 3), (set(range(64)), 9)])
def test_there_is_a_worker_more_than_processors_allowed_and_never_a_crowd(
    monkeypatch: pytest.MonkeyPatch, allowed: set[int], workers: int
) -> None:
    monkeypatch.delenv("PYTEST_XDIST_AUTO_NUM_WORKERS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: allowed, raising=False)
    assert conftest.pytest_xdist_auto_num_workers() == workers
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: len(allowed))
    assert conftest.pytest_xdist_auto_num_workers() == workers


def test_the_environment_says_how_many_workers_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_XDIST_AUTO_NUM_WORKERS", "4")
    assert conftest.pytest_xdist_auto_num_workers() is None, "left to pytest-xdist, which reads it"
