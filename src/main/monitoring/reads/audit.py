"""Audit: who did or asked what, when, from where, did it succeed, and is the record what was written?"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, LiteralString

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.paging import Page, Paged, check_choice
from main.monitoring.read import Read

OUTCOMES = ("done", "denied", "failed")
Outcome = Literal["done", "denied", "failed"]
COUNTED = 20_000
LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry of the audit log. ``user_name`` is ``None`` for nobody known, ``account`` for none or several.

    ``intact``: its hash is that of its content, and it follows the entry before it.
    """

    entry: int
    at: datetime
    user_name: str | None
    role: str | None
    method: str | None
    address: str | None
    action: str
    target: str | None
    account: str | None
    outcome: str
    request_id: str | None
    details: dict[str, Any]
    intact: bool

    def __post_init__(self) -> None:
        told: Any = self.details
        if isinstance(told, str):  # the driver hands jsonb over as it stands
            object.__setattr__(self, "details", json.loads(told))


@dataclass(frozen=True, slots=True)
class AuditCounts:
    """How many of the matching entries came out how; up to 20,000 are counted."""

    total: int
    done: int
    denied: int
    failed: int


@dataclass(frozen=True, slots=True)
class AuditPage(Page):
    """Params: which page, only one outcome, and what must stand in user, action, target or address."""

    outcome: Outcome | None = None
    text: str | None = None

    def __post_init__(self) -> None:
        super(AuditPage, self).__post_init__()  # a slotted dataclass is another class than in here
        check_choice("outcome", self.outcome, OUTCOMES)
        if len(self.text or "") > LONGEST_TEXT:
            raise ValueError(f"text: got {len(self.text or '')} characters, expected {LONGEST_TEXT} at most")


_MATCHING: LiteralString = """
      FROM audit_logs l
     WHERE l.at > $1 AND l.at <= $2 AND l.at <= $3 AND ($4::text IS NULL OR l.outcome = $4)
       AND ($5::text IS NULL OR strpos(lower(concat_ws(' ', l.user_name, l.action, l.target, host(l.address),
                                                       l.account_id)), lower($5)) > 0)
"""

_SHOWN: LiteralString = """
    SELECT s.entry, s.at::timestamptz AS at, s.user_name, s.role, s.method, host(s.address) AS address, s.action,
           s.target, s.account_id::text AS account, s.outcome, s.request_id, s.details,
           s.hash = audit_hash(s.line)
           AND s.previous_hash = coalesce((SELECT b.hash FROM audit_logs b WHERE b.entry = s.entry - 1),
                                          CASE WHEN s.entry = 1 THEN decode(repeat('00', 32), 'hex')
                                               ELSE ''::bytea END) AS intact
      FROM (SELECT l.*, l AS line
"""
_COUNTED: LiteralString = """
    SELECT count(*) AS total, count(*) FILTER (WHERE s.outcome = 'done') AS done,
           count(*) FILTER (WHERE s.outcome = 'denied') AS denied,
           count(*) FILTER (WHERE s.outcome = 'failed') AS failed
      FROM (SELECT l.outcome
"""

ENTRIES = Query(AuditEntry, _SHOWN + _MATCHING + "ORDER BY l.entry DESC LIMIT $6 OFFSET $7) s ORDER BY s.entry DESC")
COUNTS = Query(AuditCounts, _COUNTED + _MATCHING + "LIMIT $6) s")

FIRST = AuditPage()


async def audit(db: Fetcher, scope: Scope, asked: AuditPage = FIRST) -> Paged[AuditEntry, AuditCounts]:
    """Return a page of the audit log of the window, newest first; no items where nothing was noted.

    Every entry shown is checked against its own hash and that of the entry before it.
    """
    bounds = scope.bounds()
    about = (bounds.start, bounds.end, bounds.known_at, asked.outcome, asked.text or None)
    items = await ENTRIES.all(db, *about, asked.limit, asked.offset)
    counts = await COUNTS.first(db, *about, COUNTED)
    assert counts is not None  # an aggregate has a row
    return Paged(items, counts.total, asked.limit, asked.offset, counts)


def _refused(page: Paged[AuditEntry, AuditCounts]) -> int:
    return page.summary.denied + page.summary.failed if page.summary else 0


READ = Read(
    "audit",
    "Audit trail",
    audit,
    topics=frozenset({Topic.SERVICES}),
    unit="text",
    freshness=timedelta(minutes=1),
    about="suite",
    params=AuditPage,
    everything=True,
    scalar=_refused,
    formula="entries of the append-only log; each hash is SHA-256 of the one before and the entry's content",
)
