"""Who brings the embedded database back when its server is lost while it is in use?"""

import contextlib
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

import structlog

from main.config import Settings
from main.database.address import Address
from main.database.connect import database_of, outside_address
from main.database.embedded import EmbeddedServer
from main.errors import AITraderError

_log = structlog.get_logger(__name__)


class DatabaseKeeper:
    """Holds the settings' database for a process that lives long: a lease on the embedded one, renewed when it is lost.

    A database outside is its operator's business and only named here.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        check_seconds: float = 3.0,
        on_moved: Callable[[Address], None] = lambda _: None,
    ) -> None:
        """Name the settings; `on_moved` is called, from a thread, when the database came back at another address."""
        self._settings = settings
        self._check_seconds = check_seconds
        self._on_moved = on_moved
        self._lock = threading.Lock()
        self._held = ExitStack()
        self._closed = threading.Event()
        self._watch: threading.Thread | None = None
        self.address: Address | None = None

    def open(self) -> Address:
        """Have the database up and return its address. Blocks until it is; raises EmbeddedDatabaseError."""
        address = self._hold()
        if self._settings.database.embedded and self._watch is None:
            self._watch = threading.Thread(target=self._keep, name="database-keeper", daemon=True)
            self._watch.start()
        return address

    def close(self) -> None:
        """Let go of the database; the last to do so stops the embedded one. Idempotent."""
        self._closed.set()
        with self._lock:
            self._held.close()

    def _hold(self) -> Address:
        fresh = ExitStack()
        address = fresh.enter_context(database_of(self._settings))
        with self._lock:
            if self._closed.is_set():
                fresh.close()
                return address
            former, self._held = self._held, fresh
            self.address = address
        former.close()
        return address

    def _keep(self) -> None:
        server = EmbeddedServer(self._settings.data_dir)
        complained = False
        while not self._closed.wait(self._check_seconds):
            try:
                if server.running() is not None:
                    continue
                former = self.address
                _log.warning("embedded database is gone, bringing it back")
                address = self._hold()
            except Exception as error:  # noqa: BLE001  # a boundary: without this thread nobody brings it back
                if not complained:
                    known = isinstance(error, AITraderError)
                    _log.error("embedded database does not come back", reason=str(error), exc_info=not known)
                complained = True
                continue
            complained = False
            _log.info("embedded database is back", port=address.port)
            if address != former:
                with contextlib.suppress(Exception):
                    self._on_moved(address)


def direct_address(settings: Settings, address: Address) -> Address:
    """Return the way to the same database past a connection pooler: for LISTEN, migrations and advisory locks."""
    if settings.database.direct_url is None:
        return address
    return replace(outside_address(settings.model_copy(update={"database": settings.database.direct})), pooled=False)
