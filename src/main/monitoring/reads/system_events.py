"""System events: what happened to bots and services, what of it is trouble, and where does a text stand in it?"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, LiteralString, get_args

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.paging import Page, Paged, check_choice
from main.monitoring.read import Read

SEVERITIES = ("debug", "info", "warning", "error", "critical")
"""From the least to the gravest."""

LOOKED_AT = 20_000
"""The newest events of the window, as many as are searched and counted: whatever is asked, a page costs no more."""

LONGEST_TEXT = 200

Severity = Literal["debug", "info", "warning", "error", "critical"]
Sort = Literal["severity", "at", "-severity", "-at"]


@dataclass(frozen=True, slots=True)
class SystemEvent:
    """One thing that happened; ``account`` is ``None`` for the suite's own. ``details`` is what else is known of it."""

    key: str
    at: datetime
    recorded_at: datetime
    severity: str
    kind: str
    message: str
    source: str
    account: str | None
    label: str | None
    details: dict[str, Any]

    def __post_init__(self) -> None:
        told: Any = self.details
        if isinstance(told, str):  # the driver hands jsonb over as it stands
            object.__setattr__(self, "details", json.loads(told))


@dataclass(frozen=True, slots=True)
class EventCounts:
    """How many of the matching events are of each severity, and in all; of the newest 20,000 of the window."""

    total: int
    critical: int
    error: int
    warning: int
    info: int
    debug: int


@dataclass(frozen=True, slots=True)
class EventsPage(Page):
    """Params: which page, from which severity up, what must stand in it, of which kind, source or account; the order.

    ``-severity`` is gravest first, and the newest first among equals.
    """

    sort: Sort = "-severity"
    level: Severity | None = None
    text: str | None = None
    kind: str | None = None
    source: str | None = None
    account: str | None = None

    def __post_init__(self) -> None:
        super(EventsPage, self).__post_init__()  # a slotted dataclass is another class than in here
        check_choice("sort", self.sort, get_args(Sort))
        check_choice("level", self.level, SEVERITIES)
        for name in ("text", "kind", "source"):
            if len(getattr(self, name) or "") > LONGEST_TEXT:
                raise ValueError(f"{name}: got {len(getattr(self, name))} characters, expected {LONGEST_TEXT} at most")


_MATCHING: LiteralString = """
    WITH newest AS (
        SELECT e.*
          FROM system_events e
         WHERE e.at > $2 AND e.at <= $3 AND e.recorded_at <= $4 AND (e.account_id IS NULL OR e.account_id = ANY ($1))
         ORDER BY e.at DESC
         LIMIT $5
    ), matching AS (
        SELECT n.*, array_position($6::text[], n.severity) AS grave
          FROM newest n
         WHERE array_position($6::text[], n.severity) >= coalesce(array_position($6::text[], $7::text), 1)
           AND ($8::text IS NULL OR strpos(lower(n.message), lower($8)) > 0 OR strpos(lower(n.kind), lower($8)) > 0
                OR strpos(lower(n.details::text), lower($8)) > 0)
           AND ($9::text IS NULL OR n.kind = $9) AND ($10::text IS NULL OR n.source = $10)
           AND ($11::text IS NULL OR n.account_id = $11)
           AND NOT EXISTS (SELECT FROM system_events newer
                            WHERE newer.source = n.source AND newer.source_id = n.source_id
                              AND newer.revision > n.revision AND newer.recorded_at <= $4)
    )
"""

_SHOWN: LiteralString = """
    SELECT m.source || '/' || m.source_id AS key, m.at::timestamptz AS at, m.recorded_at::timestamptz AS recorded_at,
           m.severity, m.kind, m.message, m.source, m.account_id::text AS account, a.label, m.details
      FROM matching m
      LEFT JOIN accounts_at($1, $3, $4, $15) a ON a.account_id = m.account_id
     ORDER BY CASE $12::text WHEN '-severity' THEN -m.grave WHEN 'severity' THEN m.grave END,
              CASE $12 WHEN 'at' THEN m.at END, m.at DESC, m.source, m.source_id
     LIMIT $13 OFFSET $14
"""
_COUNTED: LiteralString = """
    SELECT count(*) AS total, count(*) FILTER (WHERE m.severity = 'critical') AS critical,
           count(*) FILTER (WHERE m.severity = 'error') AS error,
           count(*) FILTER (WHERE m.severity = 'warning') AS warning,
           count(*) FILTER (WHERE m.severity = 'info') AS info, count(*) FILTER (WHERE m.severity = 'debug') AS debug
      FROM matching m
"""

EVENTS = Query(SystemEvent, _MATCHING + _SHOWN)
COUNTS = Query(EventCounts, _MATCHING + _COUNTED)

FIRST = EventsPage()


async def system_events(db: Fetcher, scope: Scope, asked: EventsPage = FIRST) -> Paged[SystemEvent, EventCounts]:
    """Return a page of what happened in the window and matches, the gravest first; no items where nothing did.

    Events of no account, the suite's own, are always among them. An event counts in its highest revision known; the
    newest 20,000 of the window are searched.
    """
    bounds = scope.bounds()
    about = (list(scope.accounts), bounds.start, bounds.end, bounds.known_at, LOOKED_AT, list(SEVERITIES))
    wanted = (asked.level, asked.text or None, asked.kind or None, asked.source or None, asked.account or None)
    items = await EVENTS.all(db, *about, *wanted, asked.sort, asked.limit, asked.offset, scope.present)
    counts = await COUNTS.first(db, *about, *wanted)
    assert counts is not None  # an aggregate has a row
    return Paged(items, counts.total, asked.limit, asked.offset, counts)


def _grave(page: Paged[SystemEvent, EventCounts]) -> int:
    return page.summary.critical + page.summary.error if page.summary else 0


READ = Read(
    "system_events",
    "Events",
    system_events,
    topics=frozenset({Topic.EVENTS, Topic.ACCOUNTS}),
    unit="text",
    freshness=timedelta(minutes=1),
    about="suite",
    params=EventsPage,
    scalar=_grave,
    formula="events of the window, newest revision of each",
)
