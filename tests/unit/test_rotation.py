"""Log files stay small, and a disk that takes no more is said once."""

from pathlib import Path

import pytest

from main.telemetry.rotation import RotatingFile


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


def test_lines_that_no_disk_takes_go_to_standard_output_which_is_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    log = RotatingFile(tmp_path / "file" / "x.log")
    log.write(b"one\n")
    log.write(b"two\n")
    told = capsys.readouterr().out
    assert told.count("cannot be written") == 1
    assert told.endswith("one\ntwo\n")
