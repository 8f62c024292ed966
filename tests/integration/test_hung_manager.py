"""A manager that hangs supervises nobody: whoever started it has to notice."""

import signal
from pathlib import Path

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
