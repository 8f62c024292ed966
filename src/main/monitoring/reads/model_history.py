"""Model history: how did accuracy, error, IC, Sharpe ratio and drift of each model run through the window?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read
from main.monitoring.series import Series, bucket_width


@dataclass(frozen=True, slots=True)
class ModelQuality:
    """A judgement of one version of a model over the predictions from ``since`` to ``at``; ``None`` where not known.

    ``accuracy`` is a fraction, ``error`` in the unit of the predictions, ``ic`` in [-1, 1], ``drift`` 0 for none.
    """

    source: str
    model: str
    version: str
    at: datetime
    since: datetime
    predictions: int
    accuracy: float | None
    error: float | None
    ic: float | None
    sharpe: float | None
    drift: float | None


@dataclass(frozen=True, slots=True)
class Judged:
    """When the first judgement inside the window was; ``None`` where there is none."""

    first_at: datetime | None


FIRST = Query(
    Judged,
    """
    SELECT min(p.at)::timestamptz AS first_at
      FROM (SELECT DISTINCT a.source FROM accounts_at($1, $2, $3, $4) a) s
      JOIN model_performance p ON p.source = s.source
     WHERE ($5::text IS NULL OR p.model = $5) AND p.at > $6 AND p.at <= $2 AND p.recorded_at <= $3
    """,
)

POINTS = Query(
    ModelQuality,
    """
    SELECT q.source, q.model, q.version, q.at::timestamptz AS at, q.window_start::timestamptz AS since, q.predictions,
           q.accuracy::float8 AS accuracy, q.error::float8 AS error, q.ic::float8 AS ic, q.sharpe::float8 AS sharpe,
           q.drift::float8 AS drift
      FROM (SELECT DISTINCT ON (p.source, p.model, p.version, bucket_start($7, p.at)) p.*
              FROM (SELECT DISTINCT a.source FROM accounts_at($1, $2, $3, $4) a) s
              JOIN model_performance p ON p.source = s.source
             WHERE ($5::text IS NULL OR p.model = $5) AND p.at > $6 AND p.at <= $2 AND p.recorded_at <= $3
             ORDER BY p.source, p.model, p.version, bucket_start($7, p.at), p.at DESC, p.revision DESC) q
     ORDER BY q.source, q.model, q.version, q.at
    """,
)


@dataclass(frozen=True, slots=True)
class ModelParams(Series):
    """Params: which model, all where it is ``None``; how many points each."""

    model: str | None = None


async def model_history(db: Fetcher, scope: Scope, asked: ModelParams | None = None) -> list[ModelQuality]:
    """Return the judgements of the accounts' sources' models inside the window, by model and version, oldest first.

    Of those in one bucket on round times the last is kept, so that no version has many more than `points`. Bots judge
    their models about once a day: a narrow window may have none, and the list is empty.
    """
    asked = asked or ModelParams()
    bounds = scope.bounds()
    which = (list(scope.accounts), bounds.end, bounds.known_at, scope.present, asked.model, bounds.start)
    first = await FIRST.first(db, *which)
    if first is None or first.first_at is None:
        return []
    return await POINTS.all(db, *which, bucket_width(first.first_at, bounds.end, asked.points))


READ = Read(
    "model_history",
    "Model quality",
    model_history,
    topics=frozenset({Topic.MODELS, Topic.ACCOUNTS}),
    unit="by column",
    freshness=timedelta(days=2),
    params=ModelParams,
    as_of=lambda rows: max((row.at for row in rows), default=None),
    formula="IC: Spearman correlation of prediction and outcome; drift: population stability index",
    references=("Spearman 1904",),
)
