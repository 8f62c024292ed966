"""What has been learned of the accounts on the floor that their ledgers do not know?

A bust by SQL, an import, a fill that somebody records late: every few seconds the database is asked for them. Then the
derived rows are rebuilt from the earliest moment that changes, and the bot goes on with the books that follow from all
facts. Trading never waits for it; while the database is away it is tried again.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import structlog

from main.books.corrections import earliest, unknown_facts
from main.books.facts import rates
from main.books.rebuild import begin, rebuild, refold
from main.clock import monotonic, now
from main.database.pool import Database
from main.domain.events import CashFlow, Fill, FxRate
from main.domain.ledger import Ledger
from main.errors import AITraderError
from main.recording import Recorder
from main.trading.engine import Engine

SECONDS = 5.0

LOOK_BACK = timedelta(hours=1)
"""How long before the start facts may have been learned that the start has not seen: transactions that were open."""

LATE_FILLS_SECONDS = 60.0
"""How often the books are made anew for fills that the bot's own broker told late."""

FLUSH_SECONDS = 5.0
IDS_TOLD = 20

_ENDED = """
    SELECT recorded_at::timestamptz FROM bot_heartbeats WHERE account_id = $1 ORDER BY at DESC, recorded_at DESC LIMIT 1
"""
# Facts learned when the bot had passed their moment, by a heartbeat more than a batch before: whether the last run has
# followed them nobody knows. With all their revisions, for a correction may have moved them.
_PASSED = """
    SELECT min(revision.at)::timestamptz
      FROM (SELECT 'fill' AS kind, source, source_id, at, recorded_at FROM fills
             WHERE account_id = $1 AND recorded_at >= $2 AND at <= $3
            UNION ALL
            SELECT 'flow', source, source_id, at, recorded_at FROM cash_flows
             WHERE account_id = $1 AND recorded_at >= $2 AND at <= $3) AS told
     CROSS JOIN LATERAL (SELECT recorded_at FROM bot_heartbeats
                          WHERE account_id = $1 AND at > told.at ORDER BY at LIMIT 1) AS passed
     CROSS JOIN LATERAL (SELECT at FROM fills f
                          WHERE told.kind = 'fill' AND f.account_id = $1
                            AND f.source = told.source AND f.source_id = told.source_id
                         UNION ALL
                         SELECT at FROM cash_flows c
                          WHERE told.kind = 'flow' AND c.account_id = $1
                            AND c.source = told.source AND c.source_id = told.source_id) AS revision
     WHERE passed.recorded_at < told.recorded_at - interval '1 second'
"""
# Trades that a kill had kept from being written: who wrote them did not know all prices of their time.
_MENDED = """
    SELECT min(exit_time)::timestamptz FROM trades WHERE account_id = $1 AND recorded_at > $2 AND exit_time <= $3
"""

_FORESEEN = (AITraderError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Watch:
    """What is known of the facts of one account."""

    engine: Engine
    since: datetime | None
    absence: tuple[datetime, datetime] | None = None  # since when it was away, and its moment then; until dealt with
    wrong_since: datetime | None = None  # from when stored rows follow from books that the bot no longer has
    early: list[Fill | CashFlow] = field(default_factory=list)  # of moments that its clock has not reached
    rates: set[FxRate] = field(default_factory=set)  # corrections of rates that the books follow
    made_anew: float = field(default_factory=monotonic)


class Corrections:
    """Asks for all accounts of a floor."""

    def __init__(self, database: Database, recorder: Recorder, engines: Iterable[Engine]) -> None:
        """`database` is that of the service role; `recorder` is the one that the engines record into."""
        self._database = database
        self._recorder = recorder
        self._watches = [_Watch(engine, now() - LOOK_BACK) for engine in engines]
        self._troubled = False

    async def begin(self) -> None:
        """Learn when the last run ended: what was learned since is in the books, but not in the rows it had written.

        Call it before the first heartbeat. Trouble is logged; then only what comes from now on is followed.
        """
        try:
            async with self._database.scoped() as connection:
                for watch in self._watches:
                    ended = await connection.fetchval(_ENDED, watch.engine.journal.account.account)
                    if ended is not None and watch.engine.moment is not None:
                        watch.absence = ended, watch.engine.moment
        except _FORESEEN as error:
            _log.warning("when the last run ended is unknown", reason=str(error))

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

    async def finish(self) -> None:
        """Finish a correction that the bot's end has cut short; where that fails the next start makes up for it."""
        try:
            for watch in self._watches:
                await self._rebuild(watch)
        except _FORESEEN as error:
            _log.warning("a correction is left to the next start", reason=str(error))

    async def _check(self, watch: _Watch) -> None:
        engine = watch.engine
        if engine.moment is None:
            return
        if watch.absence is not None:
            await self._make_up(engine, *watch.absence)
            watch.absence = None
        await self._rebuild(watch)
        account = engine.journal.account.account
        async with self._database.scoped() as connection:
            unknown, following = await unknown_facts(connection, account, engine.ledger, watch.since)
            told = [fact for fact in dict.fromkeys((*watch.early, *unknown)) if not engine.ledger.knows(fact)]
            due = [fact for fact in told if fact.at <= (engine.recorded_upto or engine.moment)]
            corrected = await _corrected_rates(connection, engine, watch.since)
            fresh = [rate for rate in corrected if rate not in watch.rates]
            moments = [await earliest(connection, account, due), *(rate.at for rate in fresh)]
        if monotonic() - watch.made_anew >= LATE_FILLS_SECONDS:
            moments.append(engine.late_since)
        since = min((at for at in moments if at is not None), default=None)
        if since is not None:
            watch.made_anew = monotonic()
            await self._correct(watch, [*due, *fresh], since)
        watch.rates = set(corrected)
        watch.early = [fact for fact in told if fact not in due]
        watch.since = following
        await self._forget(engine)

    async def _make_up(self, engine: Engine, ended: datetime, moment: datetime) -> None:
        """Rebuild what follows from facts learned while the bot was away, or shortly before it ended: its books have
        begun with them."""
        account, upto = engine.journal.account, engine.recorded_upto
        await self._stored()
        async with self._database.scoped() as connection:
            learned, _ = await unknown_facts(
                connection, account.account, Ledger(account.account, account.source), ended
            )
            # What is later than its last moment is half of a tick, and was made again.
            missed = [fact for fact in learned if fact.at <= moment]
            moments = [await earliest(connection, account.account, missed)]
            corrected = await _corrected_rates(connection, engine, ended - LOOK_BACK)
            moments += [rate.at for rate in corrected]
            moments.append(await connection.fetchval(_PASSED, account.account, ended - LOOK_BACK, moment))
            moments.append(await connection.fetchval(_MENDED, account.account, ended, moment))
        since = min((at for at in moments if at is not None), default=None)
        if since is None:
            return
        rebuilt = await rebuild(self._database, account.account, since, upto)
        if missed or rebuilt.changed:
            self._tell(engine, [*missed, *corrected], since, "while the bot was away")

    def _tell(self, engine: Engine, facts: Sequence[Fill | CashFlow | FxRate], since: datetime, when: str) -> None:
        account = engine.journal.account.account
        count = f"{len(facts) or 'some'} fact{'' if len(facts) == 1 else 's'}"
        ids = [_name(fact) for fact in facts[:IDS_TOLD]]
        message = f"{count} learned {when}: the books were made anew"
        engine.journal.tell(engine.moment or now(), "correction", message, "warning", since=since, facts=ids)
        _log.info("books made anew", account=account, facts=len(facts), since=since.isoformat())

    async def _correct(self, watch: _Watch, facts: Sequence[Fill | CashFlow | FxRate], since: datetime) -> None:
        engine = watch.engine
        account = engine.journal.account.account
        stored, upto = len(engine.recent), engine.recorded_upto
        await self._stored()
        async with self._database.scoped() as connection:
            await begin(connection, account)
            _, folding = await refold(connection, account, since, upto)
        later = [fact for fact in engine.recent[:stored] if upto is not None and fact.at > upto]
        engine.recent[:stored] = later  # of a tick that goes on
        engine.adopt(folding, engine.recent)
        watch.wrong_since = since
        if facts:  # else they are fills of the bot's own broker
            self._tell(engine, facts, since, "late")
        await self._rebuild(watch)

    async def _rebuild(self, watch: _Watch) -> None:
        """Make right what the bot wrote from its old books meanwhile, once all of it is stored."""
        if watch.wrong_since is not None:
            upto = watch.engine.recorded_upto
            await self._stored()
            await rebuild(self._database, watch.engine.journal.account.account, watch.wrong_since, upto)
            watch.wrong_since = None

    async def _stored(self) -> None:
        if not await asyncio.to_thread(self._recorder.flush, FLUSH_SECONDS, committed=True):
            raise TimeoutError("what was recorded before is not stored yet")

    async def _forget(self, engine: Engine) -> None:
        """Let go of what the bot remembers only because it might not be stored yet."""
        stored = len(engine.recent)
        if stored > 1000:
            await self._stored()
            del engine.recent[:stored]


async def _corrected_rates(connection: Any, engine: Engine, since: datetime | None) -> list[FxRate]:
    """The corrections of rates learned since a moment that make a difference to an account by now."""
    account = engine.journal.account
    if not engine.is_in_several_currencies or engine.moment is None:
        return []
    told = await rates(connection, account.source, account.currency, since=since)
    return [each for each in told if each.revision and each.at <= engine.moment and engine.ledger.needs(each)]


def _name(fact: Fill | CashFlow | FxRate) -> str:
    return f"{fact.base}/{fact.quote} {fact.at.isoformat()}" if isinstance(fact, FxRate) else fact.source_id
