"""One event is one line, JSON for programs and words for a person, never with a secret."""

import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from main.telemetry.logging import configure, log_path


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    for handler in set(root.handlers) - set(before):
        handler.close()
    root.handlers[:] = before
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


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
