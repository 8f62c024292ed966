"""What has been learned of the accounts on the floor that their ledgers do not know?

A bust by SQL, an import, a fill that somebody records late: every few seconds the database is asked for them. Then the
derived rows are rebuilt from the earliest moment that changes, and the bot goes on with the books that follow from all
facts. Trading never waits for it; while the database is away it is tried again.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import asyncpg
import structlog

from main.books.corrections import earliest, unknown_facts
from main.books.rebuild import begin, rebuild, refold
from main.clock import now
from main.database.pool import Database
from main.domain.events import CashFlow, Fill
from main.errors import AITraderError
from main.recording import Recorder
from main.trading.engine import Engine

SECONDS = 5.0

LOOK_BACK = timedelta(hours=1)
"""How long before the start facts may have been learned that the start has not seen: transactions that were open."""

FLUSH_SECONDS = 5.0

_FORESEEN = (AITraderError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Watch:
    """What is known of the facts of one account."""

    engine: Engine
    since: datetime | None
    early: list[Fill | CashFlow] = field(default_factory=list)  # of moments that its clock has not reached


class Corrections:
    """Asks for all accounts of a floor."""

    def __init__(self, database: Database, recorder: Recorder, engines: Iterable[Engine]) -> None:
        """`database` is that of the service role; `recorder` is the one that the engines record into."""
        self._database = database
        self._recorder = recorder
        self._watches = [_Watch(engine, now() - LOOK_BACK) for engine in engines]
        self._troubled = False

    async def run(self, seconds: float = SECONDS) -> None:
        """Ask again and again, until cancelled."""
        while True:
            await asyncio.sleep(seconds)
            await self.check()

    async def check(self) -> None:
        """Ask once; trouble is logged, and tried again the next time."""
        try:
            for watch in self._watches:
                await self._check(watch)
            self._troubled = False
        except Exception as error:  # noqa: BLE001  # a boundary: the bot trades on, whatever is wrong with its facts
            if not self._troubled:
                unforeseen = None if isinstance(error, _FORESEEN) else error
                _log.warning("late facts cannot be asked for now", reason=str(error), exc_info=unforeseen)
            self._troubled = True

    async def _check(self, watch: _Watch) -> None:
        engine = watch.engine
        if engine.moment is None:
            return
        account = engine.journal.account.account
        async with self._database.scoped() as connection:
            unknown, following = await unknown_facts(connection, account, engine.ledger, watch.since)
            told = [fact for fact in dict.fromkeys((*watch.early, *unknown)) if not engine.ledger.knows(fact)]
            due = [fact for fact in told if fact.at <= engine.moment]
            since = await earliest(connection, account, due)
        if since is not None:
            await self._correct(engine, due, since)
        watch.early = [fact for fact in told if fact not in due]
        watch.since = following
        await self._forget(engine)

    async def _correct(self, engine: Engine, facts: list[Fill | CashFlow], since: datetime) -> None:
        account = engine.journal.account.account
        stored = len(engine.recent)
        if not await asyncio.to_thread(self._recorder.flush, FLUSH_SECONDS):
            raise TimeoutError("what was recorded before is not stored yet")
        async with self._database.scoped() as connection:
            await begin(connection, account)
            _, folding = await refold(connection, account, since)
        engine.adopt(folding, engine.recent[stored:])
        del engine.recent[:stored]
        engine.journal.tell(
            engine.moment or now(),
            "correction",
            f"{len(facts)} {'fact was' if len(facts) == 1 else 'facts were'} learned late: books made anew",
            "warning",
            since=since,
            facts=[fact.source_id for fact in facts[:20]],
        )
        _log.info("books made anew", account=account, facts=len(facts), since=since)
        # What the bot wrote from its old books meanwhile follows from facts no more.
        await asyncio.to_thread(self._recorder.flush, FLUSH_SECONDS)
        await rebuild(self._database, account, since)

    async def _forget(self, engine: Engine) -> None:
        """Let go of what the bot remembers only because it might not be stored yet."""
        stored = len(engine.recent)
        if stored > 1000 and await asyncio.to_thread(self._recorder.flush, FLUSH_SECONDS):
            del engine.recent[:stored]
