"""Who brings the embedded database back goes on doing so, whatever goes wrong on the way."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from main.config import Settings, load_settings
from main.database.address import Address
from main.database.embedded import EmbeddedServer
from main.database.keeper import DatabaseKeeper

HERE = Address("127.0.0.1", 15432, "ai_trader", "ai_trader")


def test_an_error_that_nobody_foresaw_does_not_end_the_watch_over_the_embedded_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, back = 0, threading.Event()

    def running(_: EmbeddedServer) -> Address | None:
        nonlocal looked
        looked += 1
        if looked == 1:
            raise psutil.AccessDenied(1)
        back.set()
        return HERE

    @contextlib.contextmanager
    def database_of(_: Settings) -> Iterator[Address]:
        yield HERE

    monkeypatch.setattr(EmbeddedServer, "running", running)
    monkeypatch.setattr("main.database.keeper.database_of", database_of)
    keeper = DatabaseKeeper(load_settings({"data_dir": str(tmp_path)}), check_seconds=0.01)
    keeper.open()
    try:
        assert back.wait(10)
    finally:
        keeper.close()
