"""Who wrote what about a closed trade? Every version is kept; the facts of the trade stay as they are."""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from main.domain.trade_notes import TradeNotes
from main.errors import AITraderError
from main.recording.writer import Writer

# Of every revision of the trade the last one counts. Without a version of theirs, what the bot said is version 0.
_PRESENT = """
    SELECT t.account_id || '/' || t.source || '/' || t.source_id AS id, t.source, t.source_id,
           coalesce(n.revision, 0) AS revision,
           CASE WHEN n.revision IS NULL THEN t.notes ELSE n.notes END AS notes, coalesce(n.tags, t.tags) AS tags,
           n.written_by, n.at::timestamptz AS at
      FROM unnest($2::text[], $3::text[]) AS wanted (source, source_id)
      JOIN public.trades t ON t.account_id = $1 AND t.source = wanted.source AND t.source_id = wanted.source_id
      LEFT JOIN public.trade_notes n
             ON n.account_id = t.account_id AND n.source = t.source AND n.source_id = t.source_id
     ORDER BY n.revision DESC NULLS LAST, t.revision DESC
     LIMIT 1
"""
# A replayed account lives in its own time: there, now is when its bot was heard of last.
_WRITE = """
    INSERT INTO public.trade_notes (account_id, source, source_id, revision, at, written_by, notes, tags)
    SELECT a.account_id, $2, $3, $4,
           coalesce(CASE WHEN a.clock = 'replay'
                         THEN (SELECT max(b.at) FROM public.bot_heartbeats b WHERE b.account_id = a.account_id) END,
                    clock_timestamp()),
           $5, $6, $7
      FROM public.accounts a
     WHERE a.account_id = $1
"""


@dataclass(frozen=True, slots=True)
class WrittenNotes:
    """How notes and tags of a trade stand; ``revision`` 0: as the bot told them, nobody has written any."""

    id: str
    revision: int
    notes: str | None
    tags: list[str]
    written_by: str | None
    at: datetime | None


class StaleNotes(AITraderError):
    """Somebody else wrote meanwhile: look at theirs (`present`) and write again with its revision."""

    def __init__(self, present: WrittenNotes) -> None:
        super().__init__(
            f"{present.written_by or 'somebody'} has written other notes meanwhile; look at them, and save again to "
            "replace them"
        )
        self.present = present


async def write_notes(
    writer: Writer, trade: tuple[str, Sequence[str], Sequence[str]], wanted: TradeNotes, *, revision: int, by: str
) -> WrittenNotes | None:
    """Write a new version in the name `by`, on top of a `revision`; what is written already stays as it is.

    `trade` is the account, and every way to part the rest of the trade's id into a source and its id. ``None`` for a
    trade that is not there. Raise `StaleNotes` where that is not the newest revision.
    """
    account, sources, source_ids = trade
    present = await _present(writer, account, sources, source_ids)
    if present is None:
        return None
    found, source, source_id = present
    if (found.notes or "", tuple(found.tags)) == (wanted.notes, wanted.tags):
        return found
    if found.revision != revision:
        raise StaleNotes(found)
    with contextlib.suppress(asyncpg.UniqueViolationError):  # somebody else's, in this very moment
        await writer.connection.execute(
            _WRITE, account, source, source_id, revision + 1, by, wanted.notes or None, list(wanted.tags)
        )
    now = await _present(writer, account, [source], [source_id])
    assert now is not None  # trades are never deleted
    if (now[0].notes or "", tuple(now[0].tags), now[0].written_by) != (wanted.notes, wanted.tags, by):
        raise StaleNotes(now[0])
    return now[0]


async def _present(
    writer: Writer, account: str, sources: Iterable[str], source_ids: Iterable[str]
) -> tuple[WrittenNotes, str, str] | None:
    row = await writer.connection.fetchrow(_PRESENT, account, list(sources), list(source_ids))
    if row is None:
        return None
    told = dict(row)
    source, source_id = told.pop("source"), told.pop("source_id")
    return WrittenNotes(**told), source, source_id
