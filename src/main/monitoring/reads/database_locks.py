"""Database locks: who blocks whom, on what, and for how long?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from main.database.query import Fetcher
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read
from main.monitoring.server_samples import SAMPLED, SESSIONS, ServerSession, newest_sample


@dataclass(frozen=True, slots=True)
class LockLink:
    """One session of a tree: at ``depth`` 0 one that waits for nobody, below it those that wait for it.

    ``blocks`` counts those that wait for it itself, ``sql`` would end it and let them go on. Seconds are ages at the
    sample; ``wait_seconds`` is ``None`` for who does not wait.
    """

    depth: int
    pid: int
    application: str | None
    role: str | None
    state: str | None
    transaction_seconds: float | None
    wait_seconds: float | None
    lock_mode: str | None
    lock_target: str | None
    blocks: int
    statement: str | None
    sql: str


@dataclass(frozen=True, slots=True)
class DatabaseLocks:
    """Everybody who waits for a lock and everybody they wait for, as trees; ``waiting`` counts the former.

    ``kept`` is False where a past sample's sessions are not kept any more.
    """

    sampled_at: datetime | None
    kept: bool
    waiting: int
    links: tuple[LockLink, ...]


async def database_locks(db: Fetcher, scope: Scope) -> DatabaseLocks:
    """Return who blocked whom at the last look, each blocker above those that wait for it; none when nobody did.

    Who waits for several stands below the first of them. Sessions that wait for each other, which the server ends after
    deadlock_timeout, are listed from the one that has waited longest.
    """
    sample = await newest_sample(db, scope)
    if sample is None:
        return DatabaseLocks(None, True, 0, ())
    sessions = await SESSIONS.all(db, sample.at)
    links = tuple(_trees(sessions))
    return DatabaseLocks(sample.at, bool(sessions) or not sample.sessions, sample.waiting, links)


def _trees(sessions: Sequence[ServerSession]) -> Iterator[LockLink]:
    waiting = [each for each in sessions if each.wait_seconds is not None]
    below: dict[int, list[ServerSession]] = {}
    for each in waiting:
        for pid in each.blocked_by:
            below.setdefault(pid, []).append(each)
    blocked = {each.pid for each in waiting}
    known = {each.pid: each for each in sessions}
    seen: set[int] = set()
    roots = [pid for pid in below if pid not in blocked]
    for pid in (*roots, *(each.pid for each in waiting)):  # the second for circles, which have no root
        yield from _tree(pid, 0, known, below, seen)


def _tree(
    pid: int, depth: int, known: Mapping[int, ServerSession], below: Mapping[int, list[ServerSession]], seen: set[int]
) -> Iterator[LockLink]:
    if pid in seen:
        return
    seen.add(pid)
    each, held = known.get(pid), below.get(pid, [])
    yield LockLink(
        depth,
        pid,
        each.application if each else None,
        each.role if each else None,
        each.state if each else None,
        each.transaction_seconds if each else None,
        each.wait_seconds if each else None,
        each.lock_mode if each else None,
        each.lock_target if each else None,
        len(held),
        each.statement if each else None,
        f"SELECT pg_terminate_backend({pid});",
    )
    for waits in held:
        yield from _tree(waits.pid, depth + 1, known, below, seen)


READ = Read(
    "database_locks",
    "Database locks",
    database_locks,
    topics=frozenset({Topic.DATABASE}),
    unit="sessions",
    freshness=SAMPLED,
    about="suite",
    as_of=lambda locks: locks.sampled_at,
    formula="pg_blocking_pids of every session that waits for a lock",
    everything=True,
)
