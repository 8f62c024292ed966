"""Log files stay small whoever writes them, and a disk that takes no more is said once and tried again."""

import errno
import json
import multiprocessing
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from main.telemetry import rotation
from main.telemetry.rotation import RotatingFile


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time as the file sees it; tests move it."""
    moment = [1000.0]
    monkeypatch.setattr(rotation, "monotonic", lambda: moment[0])
    return moment


def lines_in(folder: Path) -> list[str]:
    return [line for path in sorted(folder.glob("x.log*")) for line in path.read_text().splitlines()]


def test_a_full_file_moves_up_and_the_oldest_goes(tmp_path: Path) -> None:
    log = RotatingFile(tmp_path / "logs" / "x.log", size=10, files=2)
    for number in range(5):
        log.write(f"line-{number}\n".encode())
    log.close()
    assert [(tmp_path / "logs" / name).read_text() for name in ("x.log", "x.log.1", "x.log.2")] == [
        "line-4\n",
        "line-3\n",
        "line-2\n",
    ]
    assert len(list((tmp_path / "logs").iterdir())) == 3


def test_a_file_goes_on_where_it_was(tmp_path: Path) -> None:
    for text in (b"one\n", b"two\n"):
        log = RotatingFile(tmp_path / "x.log")
        log.write(text)
        log.close()
    assert (tmp_path / "x.log").read_text() == "one\ntwo\n"


def test_a_file_that_somebody_deleted_or_moved_is_made_anew(tmp_path: Path) -> None:
    log = RotatingFile(tmp_path / "logs" / "x.log")
    log.write(b"one\n")
    log.path.unlink()
    log.write(b"two\n")
    assert log.path.read_text() == "two\n"
    log.path.rename(tmp_path / "moved")
    log.write(b"three\n")
    assert (log.path.read_text(), (tmp_path / "moved").read_text()) == ("three\n", "two\n")
    shutil.rmtree(log.path.parent)
    log.write(b"four\n")
    assert log.path.read_text() == "four\n"
    log.close()


def test_a_line_after_one_that_was_cut_off_stands_alone(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_bytes(b'{"event": "half')
    log = RotatingFile(tmp_path / "x.log")
    log.write(b"whole\n")
    log.write(b"next\n")
    log.close()
    assert (tmp_path / "x.log").read_text() == '{"event": "half\nwhole\nnext\n'


def write_many(path: Path, writer: int, count: int) -> None:
    log = RotatingFile(path, size=2_000, files=200)
    for number in range(count):
        log.write(f"{writer}:{number}:{'x' * 50}\n".encode())
    log.close()


def expected(writers: int, count: int) -> set[str]:
    return {f"{writer}:{number}:{'x' * 50}" for writer in range(writers) for number in range(count)}


def test_threads_and_processes_that_write_one_file_lose_nothing_and_mix_no_lines(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=write_many, args=(path, writer, 150)) for writer in range(2)]
    threads = [threading.Thread(target=write_many, args=(path, writer, 150)) for writer in (2, 3)]
    for each in (*processes, *threads):
        each.start()
    for each in (*processes, *threads):
        each.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    found = lines_in(tmp_path)
    assert set(found) == expected(4, 150)
    assert len(found) == 600
    assert len(list(tmp_path.iterdir())) > 5


def test_a_stranger_who_holds_the_file_locked_stops_nobody(tmp_path: Path) -> None:
    import fcntl

    log = RotatingFile(tmp_path / "x.log", size=10)
    log.write(b"line-1\n")
    with (tmp_path / "x.log").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        log.write(b"line-2\n")
        assert (tmp_path / "x.log").read_text() == "line-1\nline-2\n"
    log.write(b"line-3\n")
    assert (tmp_path / "x.log").read_text() == "line-3\n"
    log.close()


def test_what_the_disk_does_not_take_is_said_once_and_tried_again_later(tmp_path: Path, clock: list[float]) -> None:
    (tmp_path / "in-the-way").write_text("a file where the folder should be")
    log = RotatingFile(tmp_path / "in-the-way" / "x.log")
    with capture_logs() as said:
        for _ in range(3):
            log.write(b"lost\n")
        clock[0] += rotation.RETRY_SECONDS + 1
        log.write(b"lost\n")
        assert [each["event"] for each in said] == ["log file cannot be written"]
        assert (log.lost, log.trouble) == (4, "File exists")
        (tmp_path / "in-the-way").unlink()
        log.write(b"too early\n")
        assert log.trouble
        clock[0] += rotation.RETRY_SECONDS + 1
        log.write(b"kept\n")
    assert [each["event"] for each in said][1:] == ["log file is written again"]
    assert said[1]["lost"] == 5
    assert log.path.read_text() == "kept\n"
    assert log.trouble is None
    log.close()


def test_a_folder_that_lets_nothing_be_renamed_keeps_the_file_from_growing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: list[float]
) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    log = RotatingFile(tmp_path / "x.log", size=20)
    log.write(b"line-1\n")
    log.write(b"line-2\n")
    with monkeypatch.context() as patched, capture_logs() as said:
        patched.setattr(Path, "replace", refuse)
        for _ in range(5):
            log.write(b"line-3\n")
            clock[0] += rotation.RETRY_SECONDS + 1
    assert log.path.read_text() == "line-1\nline-2\n"
    assert [each["event"] for each in said] == ["log file cannot be written"]
    log.write(b"line-4\n")
    assert log.path.read_text() == "line-4\n"
    log.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 kB, mounted for the test."""
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("not root: no small disk can be mounted")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)], check=False)
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_costs_lines_and_corrupts_none_and_is_written_again_when_there_is_room(
    small_disk: Path, clock: list[float]
) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 40_000)
    log = RotatingFile(small_disk / "x.log", size=1_000_000)
    with capture_logs() as said:
        for number in range(60):
            log.write(json.dumps({"event": f"{number}", "text": "y" * 1000}).encode() + b"\n")
        assert log.trouble == os.strerror(errno.ENOSPC)
        ballast.unlink()
        clock[0] += rotation.RETRY_SECONDS + 1
        log.write(b'{"event": "room again"}\n')
    log.close()
    assert [each["event"] for each in said] == ["log file cannot be written", "log file is written again"]
    *before, last = log.path.read_text().splitlines()
    assert json.loads(last) == {"event": "room again"}
    torn = [line for line in before if not line.endswith("}")]
    assert len(torn) <= 1
    assert [json.loads(line)["event"] for line in before if line not in torn] == [
        str(number) for number in range(len(before) - len(torn))
    ]
    assert log.lost == 60 - len(before) + len(torn)


def test_a_disk_that_turns_read_only_and_back_is_said_once_each_way(small_disk: Path, clock: list[float]) -> None:
    log = RotatingFile(small_disk / "x.log")
    log.write(b"before\n")
    log.close()
    remounted = subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=False)
    assert remounted.returncode == 0
    with capture_logs() as said:
        log.write(b"lost\n")
        log.write(b"lost\n")
        assert log.trouble == os.strerror(errno.EROFS)
        subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
        clock[0] += rotation.RETRY_SECONDS + 1
        log.write(b"after\n")
    log.close()
    assert log.path.read_text() == "before\nafter\n"
    assert [each["event"] for each in said] == ["log file cannot be written", "log file is written again"]
