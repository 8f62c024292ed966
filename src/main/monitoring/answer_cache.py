"""Has another replica just answered this question? Answers are shared over Redis, and never older than is known here.

Redis counts. Whoever answers takes the next number before its transaction begins; whoever hears an announcement reads
the number of that moment afterwards. So an answer with a greater number was read after the announcement was heard here,
and has what was committed before it. See docs/decisions/0022.
"""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import asyncpg
import structlog

from main.database.pool import Database
from main.database.query import Query
from main.domain.scope import Scope
from main.domain.topics import Announcement, Topic
from main.errors import DatabaseError
from main.monitoring.answer_form import value_in, written
from main.monitoring.answer_scripts import BEGIN, KEEP, NEXT, NOW
from main.monitoring.read import Read
from main.monitoring.redis_link import RETRY_SECONDS, RedisLink
from main.telemetry.version import version, views_digest

COSTLY_SECONDS = 0.02
"""What the database answers faster is not worth the way to Redis."""
LIVE_SECONDS, PAST_SECONDS = 5.0, 60.0
"""The oldest answer of another process that is taken, without news of its facts: its window has moved by so much."""
PATIENCE_SECONDS = 0.5
"""The longest wait for somebody who is answering the same question."""
POLL_SECONDS = 0.01
CLAIM_SECONDS = 2.0
LARGEST = 1024 * 1024

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Identity:
    """Which database it is, wherever and under whatever name it is reached."""

    system: str
    database: str


_IDENTITY = Query(
    _Identity,
    "SELECT system_identifier::text AS system, current_database()::text AS database FROM pg_control_system()",
)
Compute = Callable[[], Awaitable[Any]]
Facts = tuple[Topic, str | None]
Stamp = tuple[str, int]
"""A number of the clock, and its epoch: the two are never parted."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as the hub has it, its scope relative, and when it is asked on the database's clock."""

    read: Read[Any]
    scope: Scope
    params: Hashable
    moment: datetime

    @property
    def age_limit(self) -> float:
        """How many seconds old the answer of another process may be."""
        if not self.scope.live:
            return PAST_SECONDS
        return min(LIVE_SECONDS, self.read.freshness.total_seconds())

    @property
    def facts(self) -> set[Facts]:
        """What its answer depends on, as it is announced."""
        return {(topic, account) for topic in self.read.topics for account in (None, *self.scope.accounts)}


class Shared(NamedTuple):
    """An answer, the moment of the database's clock that it is of, and whether it is another replica's."""

    value: Any
    at: datetime
    taken: bool


class AnswerCache:
    """The answers that the replicas of one installation share. Without Redis everybody computes, as without a cache."""

    def __init__(self, url: str, key: str) -> None:
        """Take the address, and the installation's secret `key`: who has another one shares nothing with us."""
        self.link = RedisLink(url, self.missed)
        self.taken = self.kept = 0  # answers of other replicas that were taken, and of ours that were left there
        self._key = key
        self._place = ""  # what all names of ours begin with; "": not known yet
        self._unidentified = ""  # why not
        self._token = secrets.token_hex(8)
        self._epoch = ""
        self._base = -1
        self._numbers: dict[Facts, int] = {}  # the clock's when these facts were heard of last, where that is known
        self._unknown: set[Facts] = set()  # heard of, and the number not asked yet
        self._asking: set[Facts] = set()
        self._missed, self._settled = 1, 0  # how often announcements were missed, and what of that is made good
        self._wake = asyncio.Event()
        self._costs: dict[str, float] = {}  # by read: seconds its last answers took
        self._keeping: set[asyncio.Task[None]] = set()

    @property
    def ready(self) -> bool:
        """Whether it is known of everything that was heard when that was, so that answers can be shared."""
        return self._missed == self._settled and not (self._unknown or self._asking or self.link.away)

    @property
    def obstacle(self) -> str:
        """Why answers are not shared now; empty where they are."""
        if self.link.status.reachable is False:
            return self.link.status.reason
        if self._missed == self._settled:  # what was heard just now is asked in a moment, and no obstacle
            return ""
        return f"not sharing: {self._unidentified or 'it is not known yet what was heard when'}"

    def heard(self, announcement: Announcement) -> None:
        """Take no answer about these facts that may be from before now. To be called before the hub hears of it."""
        self._unknown.add((announcement.topic, announcement.account))
        self._wake.set()

    def missed(self) -> None:
        """Take no answer at all that may be from before now: announcements were missed."""
        self._missed += 1
        self._wake.set()

    async def run(self, database: Database) -> None:
        """Keep track of the clock until cancelled."""
        self._wake.set()
        while True:
            await self._wake.wait()
            self._wake.clear()
            known = bool(self._place) or await self._identified(database)
            if not known or not await self._note_numbers():
                await asyncio.sleep(RETRY_SECONDS)
                self._wake.set()

    async def close(self) -> None:
        """Let go of Redis."""
        for task in self._keeping:
            task.cancel()
        await asyncio.gather(*self._keeping, return_exceptions=True)
        await self.link.close()

    async def stamp(self, reads: Iterable[Read[Any]]) -> Stamp | None:
        """Return the next number, before a transaction begins in which these are asked; ``None``: share nothing."""
        if self._missed != self._settled or self.link.away or not any(map(self._costly, reads)):
            return None
        said = await self.link.script(NEXT, (f"{self._place}:clock",), ())
        if said and said[0].decode() == self._epoch:
            return self._epoch, int(said[1])
        self.missed()  # the clock was lost
        return None

    async def value(self, asked: Asked, stamp: Stamp | None, compute: Compute) -> Shared:
        """Return the answer to a question.

        `compute` answers it, in a transaction that began after the `stamp`. Whatever Redis does, that is the worst
        case, half a second late at most.
        """
        needed = self._needed(asked) if stamp is not None and self._costly(asked.read) else None
        if stamp is None or needed is None or needed[0] != stamp[0]:
            return Shared(await self._timed(asked.read, compute), asked.moment, taken=False)
        name = self._name(asked)
        said = await self._said(asked, name, needed, stamp)
        if said[0] == b"kept":
            try:
                value = value_in(asked.read, said[2])
            except ValueError:
                pass  # of another version of the suite
            else:
                self.taken += 1
                return Shared(value, datetime.fromtimestamp(float(said[1]), UTC), taken=True)
        value = await self._computed(asked, name, stamp if said[0] == b"begin" else None, compute)
        return Shared(value, asked.moment, taken=False)

    async def _said(self, asked: Asked, name: str, needed: Stamp, stamp: Stamp) -> list[Any]:
        """Ask for the answer, and wait a little where somebody else is at it."""
        oldest = asked.moment.timestamp() - asked.age_limit
        keys, limit = (name, f"{name}:claim"), int(CLAIM_SECONDS * 1000)
        patience = time.monotonic() + min(PATIENCE_SECONDS, 3 * self._costs.get(asked.read.name, PATIENCE_SECONDS))
        while True:
            said = await self.link.script(BEGIN, keys, (*needed, oldest, self._token, stamp[1], limit))
            if not said or said[0] != b"claimed" or time.monotonic() > patience:
                return list(said or [b"away"])
            await asyncio.sleep(POLL_SECONDS)

    async def _computed(self, asked: Asked, name: str, stamp: Stamp | None, compute: Compute) -> Any:
        value, done = None, False
        try:
            value = await self._timed(asked.read, compute)
            done = self._costs[asked.read.name] >= COSTLY_SECONDS
            return value
        finally:
            if stamp is not None:  # also when it failed: who waits for us must not wait longer
                task = asyncio.create_task(self._keep(asked, name, stamp, value, done=done))
                self._keeping.add(task)
                task.add_done_callback(self._keeping.discard)

    async def _timed(self, read: Read[Any], compute: Compute) -> Any:
        began = time.monotonic()
        value = await compute()
        self._costs[read.name] = max(time.monotonic() - began, 0.8 * self._costs.get(read.name, 0.0))
        return value

    async def _keep(self, asked: Asked, name: str, stamp: Stamp, value: Any, *, done: bool) -> None:
        text = await asyncio.to_thread(written, asked.read, value) if done else None
        body = text if text is not None and len(text) <= LARGEST else b""
        at, keep_ms = asked.moment.timestamp(), int(asked.age_limit * 1000)
        arguments = (*stamp, at, self._token, body, keep_ms)
        if await self.link.script(KEEP, (name, f"{name}:claim", f"{self._place}:clock"), arguments):
            self.kept += 1

    def _needed(self, asked: Asked) -> Stamp | None:
        """Return the stamp that an answer's must exceed; ``None`` where that is not known now."""
        if self._missed != self._settled or self.link.away:
            return None
        facts = asked.facts
        if facts & self._unknown or facts & self._asking:
            return None
        return self._epoch, max((self._numbers.get(each, self._base) for each in facts), default=self._base)

    async def _note_numbers(self) -> bool:
        """Ask for the clock's number, which is that of everything heard of before; return whether it was told."""
        missed = self._missed
        self._asking, self._unknown = self._unknown, set()
        said = await self.link.script(NOW, (f"{self._place}:clock",), (secrets.token_hex(8),))
        asked, self._asking = self._asking, set()
        if not said:
            self._unknown |= asked
            return False
        epoch, number = said[0].decode(), int(said[1])
        if missed != self._settled or epoch != self._epoch:
            self._epoch, self._base = epoch, number
            self._numbers.clear()
        self._numbers.update(dict.fromkeys(asked, number))
        self._settled = missed
        return True

    async def _identified(self, database: Database) -> bool:
        try:
            async with database.scoped(()) as connection:
                (identity,) = await _IDENTITY.all(connection)
        except (DatabaseError, OSError, asyncpg.PostgresError) as error:
            if not self._unidentified:
                _log.warning("answers are not shared: which database it is cannot be asked", reason=str(error))
            self._unidentified = str(error) or type(error).__name__
            return False
        self._unidentified = ""
        # Another version may answer the same question otherwise, also from other views of the same database.
        code = f"{version()}/{views_digest()}"
        text = f"{self._key}/{identity.system}/{identity.database}/{code}".encode()
        # In braces: on a cluster all of ours lie together, as scripts ask for.
        self._place = f"{{ai-trader:{hashlib.sha256(text).hexdigest()[:32]}}}"
        return True

    def _costly(self, read: Read[Any]) -> bool:
        return self._costs.get(read.name, COSTLY_SECONDS) >= COSTLY_SECONDS

    def _name(self, asked: Asked) -> str:
        question = f"{asked.read.name}/{asked.scope!r}/{asked.params!r}".encode()
        return f"{self._place}:{hashlib.sha256(question).hexdigest()}"
