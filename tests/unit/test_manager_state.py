"""A manager is found only where it really is."""

import json
import os
import stat
from dataclasses import asdict, replace
from pathlib import Path

import psutil
import pytest

from main.monitoring.dashboards.v2.manager_state import (
    ManagerAlreadyRuns,
    ManagerFile,
    ManagerFolderUnusable,
    ManagerState,
)


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


def test_a_manager_is_found_after_the_wall_clock_was_set(tmp_path: Path) -> None:
    """The kernel says when the machine started by the clock of now: an hour on, every process started an hour later."""
    place = ManagerFile(tmp_path)
    state = ManagerState.of_this_process(8053, "token", "0.1.0", "configuration")
    place.write(replace(state, created=state.created - 3600))
    assert place.read() is not None
    place.write(replace(state, since_boot=(state.since_boot or 0.0) - 60))  # a reused pid
    assert place.read() is None


def said(**other: object) -> str:
    return json.dumps(asdict(us()) | other)


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", '{"pid": 1}', "\0", "null", said(pid="many"), said(pid=-1), said(pid=2**70), said(pid=None)),
        *(said(created="then"), said(created=None), said(pid=1.5), said(more=1)),
        *(said(created=1.0, since_boot=us().created, boot="another"), said(created=1.0, since_boot="then")),
    ],
)
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


def test_looking_whether_the_place_is_taken_keeps_nobody_from_taking_it(tmp_path: Path) -> None:
    place, onlooker = ManagerFile(tmp_path), ManagerFile(tmp_path)
    assert not onlooker.taken
    place.take()
    assert onlooker.taken
    place.leave()
    assert not onlooker.taken


def test_a_removed_file_is_written_again_as_long_as_the_place_is_held(tmp_path: Path) -> None:
    place = ManagerFile(tmp_path)
    place.take()
    place.write(us())
    (tmp_path / "manager.json").unlink()
    place.renew()
    assert place.read() == us()
    place.leave()
    place.renew()
    assert place.read() is None


def test_a_folder_that_cannot_be_written_is_named_with_what_helps(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ManagerFolderUnusable, match="AI_TRADER_DATA_DIR"):
        ManagerFile(tmp_path / "file").take()
    place = ManagerFile(tmp_path / "data")
    place.take()
    (tmp_path / "data" / "manager.new").symlink_to("/dev/full")
    (tmp_path / "data" / "manager.json").mkdir()
    with pytest.raises(ManagerFolderUnusable, match=str(tmp_path)):
        place.write(us())
    (tmp_path / "data" / "manager.json").rmdir()
    place.leave()
