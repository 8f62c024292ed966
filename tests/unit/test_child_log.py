"""What a child writes becomes lines of its log: its events as they are, all else as events, a traceback as one."""

import json
import subprocess
import sys
from typing import Any

import pytest

from main.telemetry.child_log import ChildLog, log_line, told_plainly

EVENT = '{"at": "2026-11-21T12:00:00.000001Z", "level": "info", "service": "worker", "event": "sampled", "count": 3}'


class Place:
    def __init__(self) -> None:
        self.written = b""
        self.closed = False

    def write(self, line: bytes) -> None:
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        self.written += line

    def close(self) -> None:
        self.closed = True

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.written.splitlines()]


def test_an_event_of_the_child_stays_as_it_is() -> None:
    assert log_line("worker", EVENT, False) == EVENT.encode() + b"\n"


@pytest.mark.parametrize(
    ("text", "is_error", "level"),
    [
        ("Segmentation fault", True, "error"),
        ("hello", False, "info"),
        ("{not json", True, "error"),
        ("[1, 2]", False, "info"),
        ('{"no": "event"}', False, "info"),
        ("two\rlines \x1b[31m red \x00 \u2028 \ud800", True, "error"),
    ],
)
def test_what_is_no_event_becomes_one(text: str, is_error: bool, level: str) -> None:
    line = log_line("worker", text, is_error)
    assert line.count(b"\n") == 1
    assert b"\x1b" not in line
    event = json.loads(line)
    assert list(event)[:4] == ["at", "level", "service", "event"]
    assert (event["level"], event["service"], event["event"]) == (level, "worker", text)


def test_an_event_that_lacks_its_head_gets_one() -> None:
    event = json.loads(log_line("worker", '{"event": "output left out", "level": "warning", "lines": 3}', False))
    assert (event["level"], event["service"], event["lines"]) == ("warning", "worker", 3)
    assert event["at"].endswith("Z")


CRASH = """
def outer():
    try:
        {}["missing"]
    except KeyError as error:
        raise RuntimeError("while looking") from error
outer()
"""


def test_a_traceback_of_an_interpreter_is_one_event_and_what_follows_another() -> None:
    crashed = subprocess.run([sys.executable, "-c", CRASH], capture_output=True, text=True, check=False, timeout=30)
    assert crashed.returncode == 1
    place = Place()
    log = ChildLog("worker", place)
    for line in crashed.stderr.splitlines():
        if line:  # empty lines do not come this far
            log(line, True)
    log(EVENT, False)
    *tracebacks, last = place.events
    assert last["event"] == "sampled"
    assert [each["event"].splitlines()[-1] for each in tracebacks] == [
        "KeyError: 'missing'",
        "RuntimeError: while looking",
    ]
    assert all("Traceback (most recent call last):" in each["event"] for each in tracebacks)


def test_a_traceback_that_was_cut_short_is_written_with_the_next_event_or_at_the_end() -> None:
    place = Place()
    log = ChildLog("worker", place)
    log("Traceback (most recent call last):", True)
    log('  File "x.py", line 1', True)
    log(EVENT, True)
    log("Traceback (most recent call last):", True)
    assert [each["event"].splitlines()[0] for each in place.events] == ["Traceback (most recent call last):", "sampled"]
    log.close()
    assert place.closed
    assert len(place.events) == 3


def test_a_traceback_without_end_is_written_in_parts() -> None:
    place = Place()
    log = ChildLog("worker", place)
    log("Traceback (most recent call last):", True)
    for number in range(500):
        log(f"  line {number}", True)
    assert 2 <= len(place.events) <= 400


def test_a_person_is_told_an_event_in_words() -> None:
    assert told_plainly(EVENT) == "sampled"
    assert told_plainly("plain text") == "plain text"
    failed = json.dumps({"event": "ended by an error", "exception": "Traceback…\n  File\nValueError: bad\n"})
    assert told_plainly(failed) == "ended by an error: ValueError: bad"
