"""One event is one line, JSON for programs and words for a person, never with a secret."""

import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from main.telemetry import event_line
from main.telemetry.event_line import LONGEST_LINE, Stamps, json_line
from main.telemetry.logging import LOGGED, LogFile, configure, log_path
from tests.running import ROOT

HOSTILE = "one\ntwo\r\x1b[2Jthree\x00four\x9b31m\u2028five\u202esix\ud800seven"
ACTING = "\x00\x07\x1b\x7f\x85\x9b\u2028\u2029\u202a\u202e\u2066\ud800\udfff"


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    yield
    for handler in set(root.handlers) - set(before):
        handler.close()
    root.handlers[:] = before
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    for file in LOGGED.files:
        file.close()
    LOGGED.files.clear()
    LOGGED.stream = None
    LOGGED.events.clear()


def events(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_ours_and_the_libraries_events_are_json_lines_with_the_service(capsys: pytest.CaptureFixture[str]) -> None:
    configure("worker")
    structlog.get_logger("main.x").info("sampled", count=3)
    logging.getLogger("some.library").warning("lost %s", "it")
    first, second = events(capsys.readouterr().out)
    assert (first["event"], first["count"], first["service"], first["level"]) == ("sampled", 3, "worker", "info")
    assert str(first["at"]).endswith("Z")
    assert (second["event"], second["level"], second["service"]) == ("lost it", "warning", "worker")


def test_secrets_are_masked_in_values_exceptions_and_foreign_lines(capsys: pytest.CaptureFixture[str]) -> None:
    configure("worker", secrets=["canary-value"])
    log = structlog.get_logger("main.x")
    log.info("connected", dsn="postgresql://me:hunter2@db/x", password="hunter2", note="has canary-value in it")
    log.info("nested", settings={"password": "hunter2", "port": 1})
    logging.getLogger("lib").error("password=hunter2")
    try:
        raise ValueError("cannot reach postgresql://me:hunter2@db/x with canary-value")
    except ValueError:
        log.exception("failed")
    text = capsys.readouterr().out
    assert "hunter2" not in text
    assert "canary-value" not in text
    assert len(events(text)) == 4
    assert "Traceback" in text


def test_a_log_directory_gets_the_lines_in_a_file_of_the_service(tmp_path: Path) -> None:
    configure("manager", tmp_path)
    structlog.get_logger("main.x").warning("ended", name="trading")
    (event,) = events(log_path(tmp_path, "manager").read_text())
    assert event["event"] == "ended"


def test_a_person_gets_words_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    configure("bot", style="console")
    structlog.get_logger("main.x").info("filled", symbol="BTC", password="hunter2")
    told = capsys.readouterr()
    assert told.out == ""
    assert "filled" in told.err
    assert "symbol" in told.err
    assert "hunter2" not in told.err
    assert "{" not in told.err


def test_warnings_are_logged(capsys: pytest.CaptureFixture[str]) -> None:
    configure("worker")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.warn("old thing", DeprecationWarning, stacklevel=1)
    assert "old thing" in capsys.readouterr().out


def test_the_time_comes_first_then_level_service_and_event(capsys: pytest.CaptureFixture[str]) -> None:
    configure("worker")
    structlog.get_logger("main.x").warning("late", seconds=1.5, missing=None, well=True)
    (event,) = events(capsys.readouterr().out)
    assert list(event)[:4] == ["at", "level", "service", "event"]
    assert (event["seconds"], event["missing"], event["well"]) == (1.5, None, True)


class Unspeakable:
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    "value",
    [HOSTILE, float("nan"), float("inf"), 10**400, b"bytes\xff", {"a": {1, 2}}, object(), Unspeakable(), [HOSTILE] * 3],
    ids=["text", "nan", "infinity", "huge", "bytes", "set", "object", "unspeakable", "list"],
)
def test_one_event_is_one_line_of_json_whatever_it_carries(value: object, capsys: pytest.CaptureFixture[str]) -> None:
    configure("worker")
    structlog.get_logger("main.x").error("odd", value=value)
    logging.getLogger("lib").error("%s", value)
    text = capsys.readouterr().out
    assert text.count("\n") == 2
    assert len(text.splitlines()) == 2
    assert not set(text) & set(ACTING)
    assert len(events(text)) == 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    st.dictionaries(
        st.text(st.characters(codec=None), max_size=8), st.text(st.characters(codec=None), max_size=40) | st.floats()
    )
)
def test_any_text_comes_back_from_the_line_as_it_went_in(event: dict[str, Any]) -> None:
    line = json_line(event)
    assert len(line.splitlines()) <= 1
    assert not set(line) & set(ACTING)
    found = json.loads(line.encode("utf-8", "backslashreplace"))
    assert {name: value for name, value in found.items() if isinstance(value, str)} == {
        name: value if isinstance(value, str) else str(value)
        for name, value in event.items()
        if isinstance(value, str) or isinstance(found[name], str)
    }


def test_a_traceback_is_one_event_with_its_end_however_long_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    configure("worker")

    def deeper(depth: int) -> None:
        if depth == 0:
            raise ValueError("the very cause\nin two lines " + "x" * 5_000)
        try:
            deeper(depth - 1)
        except ValueError as error:
            raise RuntimeError("y" * 300) from error

    try:
        deeper(40)
    except RuntimeError as error:
        structlog.get_logger("main.x").exception("failed")
        logging.getLogger("lib").error("failed too", exc_info=error)
    text = capsys.readouterr().out
    first, second = events(text)
    assert (first["event"], second["event"]) == ("failed", "failed too")
    for event, line in zip((first, second), text.splitlines(), strict=True):
        assert str(event["exception"]).startswith("Traceback")
        assert str(event["exception"]).rstrip().endswith("y" * 50)
        assert len(line.encode()) <= LONGEST_LINE


def test_a_line_is_never_longer_than_the_manager_reads() -> None:
    huge = {"event": "\x1b" * 50_000, "exception": "\u2028" * 50_000} | {f"key{n}": "z" * 9_000 for n in range(30)}
    line = json_line(huge)
    assert len(line.encode()) <= LONGEST_LINE
    assert json.loads(line)["cut"] is True


def test_the_id_of_the_request_is_in_every_line_logged_on_its_behalf(capsys: pytest.CaptureFixture[str]) -> None:
    configure("trading-dashboard")
    with structlog.contextvars.bound_contextvars(request_id="abc123"):
        structlog.get_logger("main.x").info("ours")
        logging.getLogger("lib").warning("theirs")
    structlog.get_logger("main.x").info("another")
    ours, theirs, another = events(capsys.readouterr().out)
    assert (ours["request_id"], theirs["request_id"]) == ("abc123", "abc123")
    assert theirs["logger"] == "lib"
    assert "request_id" not in another


def test_times_of_one_log_never_go_back_or_stand_still_when_the_clock_is_put_back_a_little(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    clock = iter([noon, noon, noon - timedelta(seconds=3), noon + timedelta(seconds=1), noon - timedelta(hours=1)])
    monkeypatch.setattr(event_line, "now", lambda: next(clock))
    stamps = Stamps()
    told = [stamps.next() for _ in range(5)]
    assert told[:4] == sorted(set(told[:4]))
    assert all(len(each) == len("2026-11-21T12:00:00.000000Z") for each in told)
    assert told[4].startswith("2026-11-21T11:00:00"), "a clock that was set right is followed"


def test_a_log_that_cannot_go_to_the_disk_goes_to_standard_output_and_says_so_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dashboards").write_text("a file where the folder should be")
    configure("manager", tmp_path)
    log = structlog.get_logger("main.x")
    log.info("one")
    log.info("two")
    told = [each["event"] for each in events(capsys.readouterr().out)]
    assert sorted(told) == ["log file cannot be written", "one", "two"]
    assert LOGGED.trouble == "manager.log: File exists"
    assert LOGGED.lost == {"file": 3, "stream": 0}


def test_where_nobody_listens_standard_output_gets_what_the_file_does_not_take(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("manager", tmp_path, stdout=False)
    log = structlog.get_logger("main.x")
    log.info("one")
    assert capsys.readouterr().out == ""
    log_path(tmp_path, "manager").unlink()
    log_path(tmp_path, "manager").parent.rmdir()
    (tmp_path / "dashboards").write_text("a file where the folder was")
    log.info("two")
    assert sorted(str(each["event"]) for each in events(capsys.readouterr().out)) == [
        "log file cannot be written",
        "two",
    ]


def test_the_file_and_standard_output_get_the_same_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure("manager", tmp_path)
    structlog.get_logger("main.x").warning("ended", name="trading")
    child = LogFile(tmp_path, "worker")
    child.write(b'{"event": "of a child"}\n')
    child.close()
    own = log_path(tmp_path, "manager").read_text()
    of_child = log_path(tmp_path, "worker").read_text()
    assert capsys.readouterr().out == own + of_child
    assert LOGGED.events == {"warning": 1}


def test_a_person_sees_hostile_text_written_out_and_the_file_gets_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("bot", tmp_path, style="console")
    structlog.get_logger("main.x").warning("odd", symbol=HOSTILE)
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert not set(told) & set(ACTING)
    (event,) = events(log_path(tmp_path, "bot").read_text())
    assert event["symbol"] == HOSTILE
    assert event["service"] == "bot"


def test_an_event_that_cannot_be_formatted_is_a_line_too_and_shows_nothing_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure("worker")
    logging.getLogger("lib").error("%d of %s", *["hunter2secret"])
    told = capsys.readouterr()
    (event,) = events(told.out)
    assert (event["event"], event["logger"]) == ("event could not be logged", "lib")
    assert "hunter2secret" not in told.out + told.err


PROGRAM = """
import sys, threading
from pathlib import Path
from main.telemetry.logging import configure
configure("worker", secrets=["canary-in-an-error"])
class Broken:
    def __del__(self): raise OSError("unraisable canary-in-an-error")
def fail(): raise KeyError("thread canary-in-an-error\\nsecond line")
worker = threading.Thread(target=fail, name="helper"); worker.start(); worker.join()
del_me = Broken(); del del_me
raise ValueError("main canary-in-an-error\\n\\x1b[31mof two lines")
"""


def program(text: str, **options: Any) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen([sys.executable, "-c", text], env=environment, text=True, **options)


def test_errors_that_nobody_catches_are_one_line_each_without_secrets() -> None:
    process = program(PROGRAM, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert [event["event"] for event in events(out)] == [
        "thread ended by an error",
        "error that could not be raised",
        "ended by an error",
    ]
    assert all("Traceback" in str(event["exception"]) for event in events(out))
    assert err == "ValueError: main ***\\u000a\\u001b[31mof two lines\n"
    assert "canary" not in out


FLOOD = """
import sys
import structlog
from main.telemetry.logging import LOGGED, configure
configure("worker")
log = structlog.get_logger()
for number in range(3_000):
    log.info("tick", number=number, text="x" * 200)
sys.stderr.write(f"lost {LOGGED.lost['stream']}")
"""


def test_a_reader_that_does_not_read_costs_lines_and_never_stops_the_process() -> None:
    process = program(FLOOD, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.wait(timeout=30)  # nobody reads: a blocking write would be for ever
    lost = int(process.stderr.read().removeprefix("lost "))
    kept = events(process.stdout.read())
    process.stdout.close()
    process.stderr.close()
    assert lost > 0
    assert len(kept) + lost == 3_000
    assert [event["number"] for event in kept] == list(range(len(kept)))


def test_standard_output_that_is_gone_stops_nothing(tmp_path: Path) -> None:
    configure("worker", tmp_path)
    with contextlib.redirect_stdout(None):
        structlog.get_logger("main.x").info("nobody hears", text="−×")
    assert "−×" in log_path(tmp_path, "worker").read_text()
    assert LOGGED.lost["stream"] == 1
