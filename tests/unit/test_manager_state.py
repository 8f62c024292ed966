"""A manager is found only where it really is."""

import os
import stat
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from main.monitoring.dashboards.v2.manager_state import ManagerAlreadyRuns, ManagerFile, ManagerState


def us() -> ManagerState:
    return ManagerState(os.getpid(), psutil.Process().create_time(), 8053, "token", "0.1.0", "configuration")


def test_what_a_manager_writes_is_found_readable_by_its_user_only_and_gone_when_it_leaves(tmp_path: Path) -> None:
    place = ManagerFile(tmp_path / "data")
    assert place.read() is None
    place.take()
    place.write(us())
    assert ManagerFile(tmp_path / "data").read() == us()
    assert stat.S_IMODE((tmp_path / "data" / "manager.json").stat().st_mode) == 0o600
    place.leave()
    assert place.read() is None


def test_a_reused_pid_is_not_the_manager(tmp_path: Path) -> None:
    place = ManagerFile(tmp_path)
    place.write(replace(us(), created=us().created - 60))
    assert place.read() is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pid": 1}', "\0", "null"])
def test_a_damaged_file_is_no_manager(tmp_path: Path, text: str) -> None:
    (tmp_path / "manager.json").write_text(text)
    assert ManagerFile(tmp_path).read() is None


def test_a_second_manager_of_the_same_folder_is_refused(tmp_path: Path) -> None:
    first, second = ManagerFile(tmp_path), ManagerFile(tmp_path)
    first.take()
    first.write(us())
    with pytest.raises(ManagerAlreadyRuns, match=f"pid {os.getpid()}"):
        second.take()
    first.leave()
    second.take()
    second.leave()
