"""Alerts: what has fired, is it over, who has seen it, and how long did it last?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.paging import Page, Paged, check_choice
from main.monitoring.read import Listing, Read

STATES = ("open", "acknowledged", "resolved")
SEVERITIES = ("critical", "warning", "info")
SORTS = ("fired_at", "resolved_at", "severity", "rule", "duration_seconds")


@dataclass(frozen=True, slots=True)
class Alert:
    """One incident; ``account`` is ``None`` for one of the suite itself. Times UTC.

    ``state``: open, acknowledged (somebody has seen it, and it is not over) or resolved. ``value`` is what was measured
    when it fired, ``threshold`` what it crossed, both in ``unit``; ``duration_seconds`` is up to the scope's moment for
    one that is not over.
    """

    alert_id: str
    account: str | None
    label: str | None
    rule: str
    severity: str
    title: str
    details: str
    value: Decimal | None
    threshold: Decimal | None
    unit: str | None
    state: str
    fired_at: datetime
    resolved_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    duration_seconds: float


@dataclass(frozen=True, slots=True)
class AlertCounts:
    """How many incidents there are of each state and severity, and in all."""

    total: int
    open: int
    acknowledged: int
    resolved: int
    critical: int
    warning: int
    info: int


ITEMS = Query(
    Alert,
    """
    SELECT i.alert_id, i.account_id AS account, a.label, i.rule, i.severity, i.title, i.details, i.value, i.threshold,
           i.unit, i.state, i.fired_at, i.resolved_at, i.acknowledged_at, i.acknowledged_by, i.duration_seconds
      FROM incidents($1, $2, $3, $4, $5) i
      LEFT JOIN accounts_at($1, $3, $4, $5) a ON a.account_id = i.account_id
      CROSS JOIN LATERAL (
            SELECT array_position(ARRAY['info', 'warning', 'critical'], i.severity) AS severity) grave
     WHERE ($6::text IS NULL OR i.state = $6) AND ($7::text IS NULL OR i.severity = $7)
       AND ($8::text IS NULL OR i.rule = $8)
     ORDER BY CASE WHEN $9::text = 'fired_at' THEN i.fired_at WHEN $9 = 'resolved_at' THEN i.resolved_at END,
              CASE WHEN $9 = '-fired_at' THEN i.fired_at WHEN $9 = '-resolved_at' THEN i.resolved_at END
              DESC NULLS LAST,
              CASE WHEN $9 = 'severity' THEN grave.severity WHEN $9 = 'duration_seconds' THEN i.duration_seconds END,
              CASE WHEN $9 = '-severity' THEN grave.severity
                   WHEN $9 = '-duration_seconds' THEN i.duration_seconds END DESC,
              CASE WHEN $9 = 'rule' THEN i.rule END, CASE WHEN $9 = '-rule' THEN i.rule END DESC,
              i.fired_at DESC, i.alert_id
     LIMIT $10 OFFSET $11
    """,
)

COUNTS = Query(
    AlertCounts,
    """
    SELECT count(*) AS total, count(*) FILTER (WHERE i.state = 'open') AS open,
           count(*) FILTER (WHERE i.state = 'acknowledged') AS acknowledged,
           count(*) FILTER (WHERE i.state = 'resolved') AS resolved,
           count(*) FILTER (WHERE i.severity = 'critical') AS critical,
           count(*) FILTER (WHERE i.severity = 'warning') AS warning,
           count(*) FILTER (WHERE i.severity = 'info') AS info
      FROM incidents($1, $2, $3, $4, $5) i
     WHERE ($6::text IS NULL OR i.state = $6) AND ($7::text IS NULL OR i.severity = $7)
       AND ($8::text IS NULL OR i.rule = $8)
    """,
)


@dataclass(frozen=True, slots=True)
class AlertParams(Page):
    """Params: which page, only one state, severity or rule, and the order: a field, with "-" descending."""

    sort: str = "-fired_at"
    state: str | None = None
    severity: str | None = None
    rule: str | None = None

    def __post_init__(self) -> None:
        super(AlertParams, self).__post_init__()  # a slotted dataclass is another class than in here
        check_choice("sort", self.sort, [sign + name for name in SORTS for sign in ("", "-")])
        check_choice("state", self.state, STATES)
        check_choice("severity", self.severity, SEVERITIES)


async def alerts(db: Fetcher, scope: Scope, asked: AlertParams | None = None) -> Paged[Alert, AlertCounts]:
    """Return a page of the incidents that were open at some time in the window, and the counts of all that match.

    State and times are those of the scope's moment. Incidents of no account (the suite's own) are always among them;
    no items when nothing fired.
    """
    asked = asked or AlertParams()
    wanted = _arguments(scope, asked)
    items = await ITEMS.all(db, *wanted, asked.sort, asked.limit, asked.offset)
    counts = await COUNTS.first(db, *wanted)
    assert counts is not None  # an aggregate has a row
    return Paged(items, counts.total, asked.limit, asked.offset, counts)


def _arguments(scope: Scope, asked: AlertParams) -> tuple[object, ...]:
    bounds = scope.bounds()
    window = (list(scope.accounts), bounds.start, bounds.end, bounds.known_at, scope.present)
    return (*window, asked.state, asked.severity, asked.rule)


def _listing(scope: Scope, asked: AlertParams, most: int) -> Listing:
    return ITEMS, (*_arguments(scope, asked), asked.sort, most, 0)


READ = Read(
    "alerts",
    "Alerts",
    alerts,
    topics=frozenset({Topic.ALERTS, Topic.ACCOUNTS}),
    unit="text",
    freshness=timedelta(minutes=1),
    about="suite",
    params=AlertParams,
    listing=_listing,
    scalar=lambda page: page.total,
    formula="fired at or before the moment, not resolved before the window began",
)
