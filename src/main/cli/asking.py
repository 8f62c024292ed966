"""How does a command ask a read without a server? With a pool and a hub of its own, for as long as it runs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from main.config import Settings
from main.database.address import Address
from main.database.migrate import migrate, schema_status
from main.database.pool import Database
from main.domain.scope import Scope
from main.errors import DatabaseError, SchemaMismatch
from main.monitoring.api.directory import Directory
from main.monitoring.api.known_strategy import check_strategy
from main.monitoring.api.question import Question
from main.monitoring.api.rest import chosen_scope
from main.monitoring.collectors.sampling import sampled_once
from main.monitoring.hub import Hub
from main.monitoring.read import LiveSource
from main.security.viewer import Viewer
from main.telemetry.log_search import LogFolder

WHO = Viewer("command line", "operator")


@dataclass(frozen=True, slots=True)
class Asking:
    """What answers reads, and knows the accounts."""

    hub: Hub
    directory: Directory

    async def scope(self, asked: Question) -> tuple[Scope, str]:
        """Return the scope with the accounts that a page would show, and a note on the choice of them."""
        scope, note = await chosen_scope(asked, WHO, self.directory)
        await check_strategy(self.hub, scope)
        return scope, note


@asynccontextmanager
async def asking(address: Address, settings: Settings, name: str, *, stored: bool = True) -> AsyncIterator[Asking]:
    """Run a hub on the database, of which live reads (not `stored`) only tell that it is there.

    Raises SchemaMismatch, DatabaseUnreachable.
    """
    if stored:
        await _ready(address, own=settings.database.embedded)
    database = Database(address, role="service", max_size=2, application_name=f"ai-trader {name}")
    await database.open()
    hub = Hub(database, _live(settings, database))
    running = asyncio.create_task(hub.run())
    try:
        if not stored:
            with contextlib.suppress(DatabaseError):
                await database.ping()  # so that there is something to tell of it
        yield Asking(hub, Directory(database))
    finally:
        running.cancel()
        await asyncio.wait({running})
        await database.close()


async def _ready(address: Address, *, own: bool) -> None:
    if own:
        await migrate(address)
    elif not (await schema_status(address)).current:
        raise SchemaMismatch("the schema is not the one this version needs; run ai_trader.py db migrate")


def _live(settings: Settings, database: Database) -> LiveSource:
    """What this process can tell of itself: its own connection, its machine, and the logs of the services on it."""
    logs = LogFolder(settings.log_dir / "dashboards")
    machine = {"host": lambda: sampled_once(settings.data_dir)}
    return LiveSource({"database": lambda: database.status, "logs": lambda: logs, **machine})
