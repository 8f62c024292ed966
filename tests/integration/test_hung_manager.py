"""A manager that hangs supervises nobody: whoever started it has to notice."""

import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from main.cli import monitoring
from main.config import load_settings
from main.database.address import Address
from main.monitoring.dashboards.v2.running_manager import find_manager
from tests.integration.managers import environment, managed
from tests.integration.processes import marked
from tests.running import until


@pytest.mark.promise(4)
def test_a_manager_that_hangs_is_killed_by_the_bot_beside_it_and_leaves_nobody(
    address: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = f"mark-{tmp_path.parent.name}-{tmp_path.name}"
    monkeypatch.setattr(monitoring, "_ASK_SECONDS", 0.2)
    monkeypatch.setattr(monitoring, "_MISSES", 2)
    with managed(address, tmp_path, mark, []) as manager:
        manager.all_running()
        for name, value in environment(address, tmp_path, manager.port).items():
            monkeypatch.setenv(name, value)
        settings = load_settings()
        said: list[str] = []
        beside = monitoring.Monitoring(settings, ("trading",), said.append)
        running = find_manager(settings)
        assert running is not None
        manager.process.send_signal(signal.SIGSTOP)
        beside._watch(running)
        assert said == [f"The dashboards' manager (pid {manager.process.pid}) hangs; replacing it."]
        assert manager.process.wait(timeout=5) == -signal.SIGKILL
        until(lambda: not marked(mark), 9, "nobody left")


def test_a_bot_that_was_held_up_itself_kills_no_manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, killed = 0.0, False

    class Running:
        state: Any = SimpleNamespace(alive=True, pid=1)

        def answers(self, within: float) -> bool:
            nonlocal clock
            clock += within + 3.0
            self.state.alive = clock < 100.0
            return False

        def kill(self) -> None:
            nonlocal killed
            killed = True
            self.state.alive = False

    def passing() -> float:
        nonlocal clock
        clock += 0.1
        return clock

    monkeypatch.setattr(monitoring, "monotonic", passing)
    monkeypatch.setattr(monitoring, "_POLL_SECONDS", 0.0)
    beside = monitoring.Monitoring(load_settings({"data_dir": str(tmp_path)}), ("trading",), lambda _: None)
    running: Any = Running()
    beside._watch(running)
    assert clock >= 100.0
    assert not killed
