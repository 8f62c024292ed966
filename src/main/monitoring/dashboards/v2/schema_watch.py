"""Is the schema the one that this dashboard needs? Migrated at the start, and tried again until it is."""

import asyncio
from collections.abc import Callable

import asyncpg
import structlog

from main.database.address import Address
from main.database.migrate import migrate
from main.errors import DatabaseError, DatabaseUnreachable, SchemaMismatch
from main.telemetry.probes import Check

RETRY_SECONDS = 1.0

_log = structlog.get_logger(__name__)


class SchemaWatch:
    """What is known of the schema. A database that is away, or a lock that is held, only puts off the answer."""

    def __init__(self) -> None:
        self._problem = ""
        self._settled = False

    def check(self) -> Check:
        """Return what readiness says of it: "failed" where only another version of the code can help."""
        if self._problem:
            return Check("schema", "failed", self._problem)
        pending = "" if self._settled else "not looked at, or not migrated, yet"
        return Check("schema", "degraded" if pending else "ok", pending)

    async def migrated(self, address: Address) -> bool:
        """Bring the schema up to date; tell whether that is settled, one way or the other."""
        try:
            await migrate(address)
        except SchemaMismatch as error:
            self._problem = str(error)
            _log.error("schema mismatch", reason=str(error))
        except DatabaseUnreachable:
            return False
        except (DatabaseError, asyncpg.PostgresError) as error:
            _log.warning("migration postponed", reason=str(error))
            return False
        self._settled = True
        return True

    async def until_migrated(
        self, attempt: "asyncio.Task[bool]", address: Callable[[], Address], settled: Callable[[], None]
    ) -> None:
        """Try again until it is settled, beginning with an attempt under way, and tell so."""
        done = await attempt
        while not done:
            await asyncio.sleep(RETRY_SECONDS)
            done = await self.migrated(address())
        settled()
