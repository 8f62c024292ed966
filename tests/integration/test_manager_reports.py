"""What services say of themselves is shown, in every place; what they do not say, or not in time, harms nobody."""

import json
import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import fields
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from main.database.address import Address
from main.monitoring.dashboards.v2.manager_state import ManagerFile
from main.monitoring.dashboards.v2.running_manager import RunningManager
from main.telemetry.services import ProcessStatus
from tests.integration.managers import Managed, managed
from tests.running import fetch, until

Start = Callable[..., AbstractContextManager[Managed]]
PATIENT = {"probe_timeout": 2.0}
READY = {"service": "s", "state": "ready", "checks": [{"name": "database", "state": "ok", "detail": ""}]}
DEGRADED = READY | {
    "state": "degraded",
    "checks": [
        {"name": "database", "state": "degraded", "detail": "unreachable since 14:30"},
        {"name": "schema", "state": "ok", "detail": "fine"},
    ],
}
STATUS: dict[str, Any] = {
    "viewers": 3,
    "push_seconds": {"p50": 0.004, "p95": 0.02},
    "questions": {"answered": 70, "shared": 30, "failed": 0},
}


@pytest.fixture
def start(address: Address, tmp_path: Path) -> Start:
    mark = f"mark-{tmp_path.parent.name}-{tmp_path.name}"
    return lambda *options, **more: managed(address, tmp_path, mark, *options, timing=PATIENT, **more)


def say(folder: Path, path: str, document: object) -> None:
    folder.mkdir(exist_ok=True)
    fresh = folder / f"{path}.new"
    fresh.write_text(document if isinstance(document, str) else json.dumps(document))
    fresh.replace(folder / path)


async def test_what_a_service_says_of_itself_is_shown_and_written_down(
    start: Start, tmp_path: Path, address: Address
) -> None:
    say(tmp_path / "answers", "health", READY)
    say(tmp_path / "answers", "status", STATUS)
    with start(["--answers", str(tmp_path / "answers")], []) as manager:
        row = manager.until(0, state="running", viewers=3)
        assert (row["push_p50_seconds"], row["push_p95_seconds"]) == (0.004, 0.02)
        assert (row["questions_answered"], row["questions_shared"]) == (70, 30)
        assert set(row) == {each.name for each in fields(ProcessStatus)}
        silent = manager.until(1, state="running")
        assert [silent[name] for name in ("viewers", "push_p50_seconds", "questions_answered")] == [None] * 3
        os.kill(row["pid"], signal.SIGKILL)
        manager.until(0, state="running", restarts=1)
        connection = await asyncpg.connect(**address.connect_arguments())
        try:
            await connection.execute("SET ROLE ai_trader_service")
            query = (
                "SELECT viewers, push_p50_seconds, push_p95_seconds, questions_answered, questions_shared, "
                "restarts_by_reason FROM services WHERE service = 'service-0' AND viewers IS NOT NULL AND restarts = 1"
            )
            found = None
            while found is None:  # the test's own limit ends it
                found = await connection.fetchrow(query)
            assert tuple(found) == (3, 0.004, 0.02, 70, 30, '{"killed": 1}')
        finally:
            await connection.close()


def test_a_service_that_is_not_ready_is_degraded_with_its_reason_and_never_restarted(
    start: Start, tmp_path: Path
) -> None:
    answers = tmp_path / "answers"
    say(answers, "health", DEGRADED)
    with start(["--answers", str(answers)], []) as manager:
        row = manager.until(0, state="degraded", degraded_reason="database: unreachable since 14:30")
        assert row["restarts"] == 0
        assert 'service_ready{name="service-0"} 0.0' in manager.metrics()
        assert 'service_up{name="service-0"} 1.0' in manager.metrics()
        assert manager.health()["state"] == "degraded"
        say(answers, "health", READY)
        after = manager.until(0, state="running", degraded_reason=None)
        assert after["pid"] == row["pid"]


def test_a_service_that_never_answers_holds_up_nobody(start: Start) -> None:
    with start(["--mute", "/health"], []) as manager:
        manager.until(0, state="degraded", degraded_reason="no answer to /health within 2 s")
        os.kill(manager.pid(1), signal.SIGKILL)
        assert manager.until(1, 8, state="running", restarts=1)
        assert manager.service(0)["restarts"] == 0


def test_a_removed_note_of_where_the_manager_is_comes_back_and_a_restart_is_counted_as_asked_for(
    start: Start, tmp_path: Path
) -> None:
    with start([]) as manager:
        before = manager.all_running()
        file = ManagerFile(tmp_path / "data")
        (tmp_path / "data" / "manager.json").unlink()
        os.kill(before["service-0"]["pid"], signal.SIGKILL)  # at every change the manager also looks after its note
        state = until(file.read, 10, "the note")
        manager.until(0, state="running", restarts=1)
        assert state.pid == manager.process.pid
        RunningManager(state).restart("service-0")
        row = manager.until(0, state="running", restarts_by_reason={"killed": 1, "asked": 1})
        assert row["restart_reason"] == "asked for"
        assert fetch(f"http://127.0.0.1:{manager.port}/livez")[0] == 200
