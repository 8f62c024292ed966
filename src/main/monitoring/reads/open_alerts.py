"""Open alerts: which incidents have fired and are not over?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read


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
    WITH versions AS (
        SELECT a.*
          FROM alerts a
         WHERE $4
        UNION ALL
        SELECT v.alert_id, v.account_id, v.rule, v.severity, v.title, v.details, v.value, v.threshold, v.unit,
               v.fired_at, v.resolved_at, v.acknowledged_at, v.acknowledged_by, v.at, v.recorded_at
          FROM (SELECT DISTINCT ON (h.alert_id) h.*
                  FROM alerts_history h
                 WHERE NOT $4 AND h.changed_at <= $3
                 ORDER BY h.alert_id, h.changed_at DESC) v
         WHERE v.operation <> 'delete'
    )
    SELECT v.alert_id, v.account_id::text AS account, a.label, v.rule, v.severity, v.title, v.details,
           v.value::numeric AS value, v.threshold::numeric AS threshold, v.unit,
           v.fired_at::timestamptz AS fired_at, v.acknowledged_at::timestamptz AS acknowledged_at, v.acknowledged_by
      FROM versions v
      LEFT JOIN accounts a ON a.account_id = v.account_id
     WHERE (v.account_id IS NULL OR v.account_id = ANY ($1))
       AND v.fired_at <= $2 AND (v.resolved_at IS NULL OR v.resolved_at > $2)
     ORDER BY array_position(ARRAY['critical', 'warning', 'info'], v.severity), v.fired_at DESC, v.alert_id
     LIMIT 200
    """,
)


async def open_alerts(db: Fetcher, scope: Scope) -> list[OpenAlert]:
    """Return incidents that fired and were not resolved by the scope's moment, worst first, at most 200.

    Those of no account (the suite's own) are always among them; empty when all is well.
    """
    bounds = scope.bounds()
    return await OPEN.all(db, list(scope.accounts), bounds.end, bounds.known_at, scope.present)


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
