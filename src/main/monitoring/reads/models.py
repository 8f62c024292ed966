"""Models: which ones trade or look on, about what, with which budget, and how good are they?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read


@dataclass(frozen=True, slots=True)
class ModelState:
    """One model as it is described, with the newest judgement of that version.

    ``status``: active (it trades), shadow (it looks on) or retired. ``budget`` is money in the currency of the account
    it trades for, ``None`` for no limit of its own; ``regime`` ``None`` for any. ``accuracy`` is a fraction of
    ``judged`` predictions from ``judged_since`` to ``judged_at``, ``error`` in the unit of the predictions, ``ic`` in
    [-1, 1], ``drift`` 0 for none; each is ``None`` where it is not known. ``predicted_at`` is when it predicted last.
    """

    source: str
    model: str
    version: str
    kind: str
    status: str
    strategy: str | None
    budget: Decimal | None
    universe: list[str]
    regime: str | None
    trained_at: datetime | None
    since: datetime
    predicted_at: datetime | None
    judged_since: datetime | None
    judged_at: datetime | None
    judged: int | None
    accuracy: float | None
    error: float | None
    ic: float | None
    sharpe: float | None
    drift: float | None


STATES = Query(
    ModelState,
    """
    WITH sources AS (
        SELECT DISTINCT a.source FROM accounts_at($1, $2, $3, $4) a
    ), described AS (
        SELECT m.source, m.model, m.version, m.kind, m.status, m.strategy, m.budget, m.universe, m.regime,
               m.trained_at, m.at
          FROM sources s
          JOIN models m ON m.source = s.source
         WHERE $4
        UNION ALL
        SELECT v.source, v.model, v.version, v.kind, v.status, v.strategy, v.budget, v.universe, v.regime,
               v.trained_at, v.at
          FROM (SELECT DISTINCT ON (h.source, h.model) h.*
                  FROM sources s
                  JOIN models_history h ON h.source = s.source
                 WHERE NOT $4 AND h.at <= $2 AND h.changed_at <= $3
                   AND (h.operation <> 'delete' OR h.changed_at <= $2)
                 ORDER BY h.source, h.model, h.changed_at DESC, h.at DESC) v
         WHERE v.operation <> 'delete'
    )
    SELECT d.source, d.model, d.version, d.kind, d.status, d.strategy, d.budget::numeric AS budget, d.universe,
           d.regime, d.trained_at::timestamptz AS trained_at, d.at::timestamptz AS since,
           said.at::timestamptz AS predicted_at, p.window_start::timestamptz AS judged_since,
           p.at::timestamptz AS judged_at, p.predictions AS judged, p.accuracy::float8 AS accuracy,
           p.error::float8 AS error, p.ic::float8 AS ic, p.sharpe::float8 AS sharpe, p.drift::float8 AS drift
      FROM described d
      LEFT JOIN LATERAL (
            SELECT o.*
              FROM model_performance o
             WHERE o.source = d.source AND o.model = d.model AND o.version = d.version AND o.at <= $2
               AND o.recorded_at <= $3
             ORDER BY o.at DESC, o.revision DESC
             LIMIT 1) p ON true
      LEFT JOIN LATERAL (
            SELECT e.at
              FROM model_predictions e
             WHERE e.source = d.source AND e.model = d.model AND e.at <= $2 AND e.recorded_at <= $3
             ORDER BY e.at DESC
             LIMIT 1) said ON true
     WHERE $5::text IS NULL OR d.strategy = $5
     ORDER BY array_position(ARRAY['active', 'shadow', 'retired'], d.status), d.source, d.model
    """,
)


async def models(db: Fetcher, scope: Scope) -> list[ModelState]:
    """Return the models of the accounts' sources, active ones first, as they were described at the scope's moment.

    Ratios are fractions; the Sharpe ratio is annualised, of following the model's predictions. Empty when no source
    tells of a model.
    """
    bounds = scope.bounds()
    which = (list(scope.accounts), bounds.end, bounds.known_at, scope.present, scope.strategy)
    return await STATES.all(db, *which)


READ = Read(
    "models",
    "Models",
    models,
    topics=frozenset({Topic.MODELS, Topic.ACCOUNTS}),
    unit="text",
    freshness=timedelta(minutes=1),
    scalar=lambda rows: sum(row.status == "active" for row in rows),
    formula="IC: Spearman correlation of prediction and outcome; drift: population stability index",
    references=("Spearman 1904",),
)
