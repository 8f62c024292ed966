"""How old is an answer, and what does its age mean: live, late, stale, a silent bot, an unreachable database?"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from main.clock import now
from main.database.pulse import Pulse
from main.domain.scope import Scope
from main.errors import DatabaseTimeout, DatabaseUnreachable
from main.monitoring.read import Answer, Freshness, Read, State

STALE_FACTOR = 3
"""Past its freshness an answer is late, past three times that stale (LOOK: freshness badge)."""


def freshness_of(read: Read[Any], value: Any, scope: Scope, beat: Pulse) -> Freshness:
    """Return how fresh a value is that was just read, at the pulse of the scope's accounts."""
    expected = read.freshness.total_seconds()
    moment = scope.resolved(beat.moment).moment or beat.moment
    newest = read.as_of(value) if read.as_of is not None else None
    if newest is None and read.about == "accounts":
        newest = beat.beat
    as_of = min(newest, moment) if newest is not None else moment
    if not scope.live:
        return Freshness(State.PAST, as_of, moment, expected, beat.clock)
    age = (moment - as_of).total_seconds()
    state = State.LIVE if age <= expected else State.LATE if age <= STALE_FACTOR * expected else State.STALE
    fresh = Freshness(state, as_of, moment, expected, beat.clock)
    return _with_silence(fresh, beat) if read.about == "accounts" else fresh


def _with_silence(fresh: Freshness, beat: Pulse) -> Freshness:
    heart = beat.first_silent
    if heart is None or heart.silent_at is None:
        return fresh
    detail = f"{heart.account} was stopped" if heart.status == "stopped" else f"{heart.account} sends nothing"
    if heart.silent_at <= beat.now:
        return replace(fresh, state=State.SILENT, silent_at=heart.silent_at, since=heart.recorded_at, detail=detail)
    return replace(fresh, silent_at=heart.silent_at, detail=detail)


def troubled(read: Read[Any], last: Answer[Any] | None, error: Exception) -> Answer[Any]:
    """Return the last good value beside the error that has come since, labelled with both times."""
    moment = now()
    unreachable = isinstance(error, DatabaseUnreachable)
    since = error.since if isinstance(error, DatabaseUnreachable) else moment
    if last is not None and last.error is not None and not unreachable:
        since = last.freshness.since or moment
    fresh = Freshness(
        State.UNREACHABLE if unreachable else State.ERROR,
        last.as_of if last is not None else None,
        moment,
        read.freshness.total_seconds(),
        last.freshness.clock if last is not None else "wall",
        since=since,
        detail=str(error) if unreachable else f"{read.title} failed: {error}",
    )
    late = isinstance(error, DatabaseTimeout)
    return Answer(last.value if last else None, fresh, str(error), last.version if last else 0, late)


def worst(answers: Iterable[Answer[Any]]) -> Answer[Any]:
    """Return the answer that may be trusted least: by state, then by how far past its freshness it is."""
    order = list(State)

    def distrust(answer: Answer[Any]) -> tuple[int, float]:
        fresh = answer.freshness
        age = (fresh.moment - fresh.as_of).total_seconds() if fresh.as_of else 0.0
        return order.index(fresh.state), age / fresh.expected_seconds

    return max(answers, key=distrust)
