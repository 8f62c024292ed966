"""Open alerts: which incidents have fired and are not over?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read

MOST = 200


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """One open incident; ``account`` is ``None`` for one of the suite itself. Times UTC."""

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
    fired_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None


OPEN = Query(
    OpenAlert,
    """
    SELECT i.alert_id, i.account_id AS account, a.label, i.rule, i.severity, i.title, i.details, i.value, i.threshold,
           i.unit, i.fired_at, i.acknowledged_at, i.acknowledged_by
      FROM incidents($1, $2, $2, $3, $4) i
      LEFT JOIN accounts_at($1, $2, $3, $4) a ON a.account_id = i.account_id
     ORDER BY array_position(ARRAY['critical', 'warning', 'info'], i.severity), i.fired_at DESC, i.alert_id
     LIMIT $5
    """,
)


async def open_alerts(db: Fetcher, scope: Scope) -> list[OpenAlert]:
    """Return incidents that fired and were not resolved by the scope's moment, worst first, at most 200.

    Those of no account (the suite's own) are always among them; empty when all is well.
    """
    bounds = scope.bounds()
    return await OPEN.all(db, list(scope.accounts), bounds.end, bounds.known_at, scope.present, MOST)


READ = Read(
    "open_alerts",
    "Open alerts",
    open_alerts,
    topics=frozenset({Topic.ALERTS, Topic.ACCOUNTS}),
    unit="text",
    freshness=timedelta(minutes=1),
    about="suite",
    scalar=len,
    formula="fired at or before the moment, not resolved by then",
)
