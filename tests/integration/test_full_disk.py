"""A small file system that is nearly full, and fuller each time the collectors look: the pages say when it is full."""

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from main.database.pool import Database
from main.monitoring.collectors.host import HostCollector, store
from main.monitoring.collectors.parts import PartsCollector, store_parts
from main.monitoring.reads import host_file_systems, host_history, storage
from tests.drawing import drawn, words
from tests.given import DAY, HOUR, MOMENT, asked, live

PAGE, PAGES = 4096, 1000
SHARES = (800, 810, 820, 830, 840, 850)
"""Pages in use, of a thousand, at looks four hours apart: sixty a day, and the last 150 last two days and a half."""

Fill = Callable[[int], None]


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[tuple[Path, Fill]]:
    """A file system of the kernel's own."""
    place = tmp_path / "mounted"
    place.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", f"size={PAGES * PAGE}", "tmpfs", str(place))
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"no file system can be mounted here: {error}")
    if done.returncode:
        pytest.skip(f"no file system may be mounted here: {done.stderr.strip()}")
    try:
        yield place, lambda pages: _write(place / "filling", pages)
    finally:
        subprocess.run(("umount", str(place)), check=True)


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Fill]:
    """The same where nothing may be mounted: the system's own answer about any file system, with these figures."""

    def fill(pages: int) -> None:
        figures = {"f_bsize": PAGE, "f_frsize": PAGE, "f_blocks": PAGES, "f_files": 0, "f_ffree": 0, "f_favail": 0}
        figures |= {"f_bfree": PAGES - pages, "f_bavail": PAGES - pages, "f_flag": 0, "f_namemax": 255}
        order = ("f_bsize", "f_frsize", "f_blocks", "f_bfree", "f_bavail", "f_files", "f_ffree", "f_favail")
        answer = os.statvfs_result([figures[name] for name in (*order, "f_flag", "f_namemax")])
        monkeypatch.setattr(os, "statvfs", lambda _: answer)

    return tmp_path, fill


@pytest.mark.parametrize("kind", ["mounted", "told"])
async def test_a_small_file_system_that_fills_says_in_how_many_days_it_is_full(
    kind: str, request: pytest.FixtureRequest, service: Database, database: Database
) -> None:
    place, fill = request.getfixturevalue(kind)
    mount = str(place) if kind == "mounted" else "/"
    for step, pages in enumerate(SHARES):
        fill(pages)
        at = MOMENT - (len(SHARES) - 1 - step) * 4 * HOUR
        await store(service, replace(HostCollector(place).sample(), at=at))
        parts = PartsCollector(place).sample()
        systems = {each: found for each, found in parts.file_systems.file_systems.items() if each == mount}
        await store_parts(
            service, replace(parts, at=at, file_systems=replace(parts.file_systems, at=at, file_systems=systems))
        )
    async with service.scoped() as connection:
        await connection.execute("UPDATE host_parts SET recorded_at = at")
        await connection.execute("UPDATE system_metrics SET recorded_at = at")

    found: storage.Storage = await asked(database, storage.READ, live())
    assert (found.disk, found.disk_total_bytes) == (0.85, PAGES * PAGE)
    assert found.disk_daily_bytes == pytest.approx(60 * PAGE)
    assert found.full_seconds == pytest.approx(2.5 * DAY.total_seconds())
    assert found.limit_seconds == pytest.approx(50 / 60 * DAY.total_seconds())
    (state,) = await asked(database, host_file_systems.READ, live())
    assert (state.mount, state.used_share, state.free_bytes) == (mount, 0.85, 150 * PAGE)
    assert state.full_seconds == pytest.approx(2.5 * DAY.total_seconds())

    history = await asked(database, host_history.READ, live())
    assert "Until it is full 2 d 12 h" in _said("storage_cards", (storage.READ, found))
    assert "2 d 12 h" in _said("file_systems", (host_file_systems.READ, [state]))
    assert "a day" in _said("disk", (host_history.READ, history))


def _write(file: Path, pages: int) -> None:
    file.write_bytes(bytes(pages * PAGE))


def _said(panel: str, *given: Any) -> str:
    return words(drawn(panel, *given))
