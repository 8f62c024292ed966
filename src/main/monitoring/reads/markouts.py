"""Mark-outs: where did the market go after our fills, for us or against us?"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from main.analytics.figure import Figure
from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.execution_part import FillParts, basis_points, sorted_parts
from main.monitoring.read import Read
from main.monitoring.trade_filter import window_arguments

TOLERANCES = {
    timedelta(seconds=1): timedelta(seconds=5),  # a bot looks at the market every few seconds
    timedelta(seconds=10): timedelta(seconds=5),
    timedelta(minutes=1): timedelta(seconds=30),
    timedelta(minutes=5): timedelta(seconds=150),
}
"""The horizons, and how much later than each the mid may have been seen."""

MOST = 1_000
"""So many of the newest fills are looked at: four mids each, however long the window is."""


@dataclass(frozen=True, slots=True)
class MarkOutSums:
    """What the fills of one part add up to at one horizon, in account currency."""

    currency: str
    name: str | None
    horizon_seconds: int
    fills: int
    pending: int
    unpriced: int
    left_out: int
    notional: Decimal | None
    gain: Decimal | None
    late_seconds: float | None


@dataclass(frozen=True, slots=True)
class MarkOut:
    """The fills of one part at one horizon. Positive is good; ``bps`` is ``gain`` / ``notional`` · 10⁴.

    ``pending``: no mid yet, and one may still come at the scope's moment. ``unpriced``: no mid was recorded in time, or
    there is no rate into the account's currency. ``left_out``: beyond the newest 1,000. None is among ``fills``.
    ``late_seconds`` is how long after the horizon the mids were seen, on average.
    ``name`` is ``None`` where it is not known, and with ``by=all``.
    """

    currency: str
    name: str | None
    horizon_seconds: int
    fills: int
    pending: int
    unpriced: int
    left_out: int
    notional: Decimal | None
    gain: Decimal | None
    bps: Figure
    late_seconds: float | None


SUMS = Query(
    MarkOutSums,
    """
    -- How many there are is known from what is kept by day; only those that are looked at are read.
    WITH counted AS MATERIALIZED (
        SELECT s.currency, s.name, s.fills
          FROM fill_sums($1, $2, $3, $4, $5, $6, $7) s
    ), found AS MATERIALIZED (
        SELECT e.currency, e.market, e.symbol, e.at, e.sign, e.price, e.worth,
               execution_part($7, e.symbol, e.strategy, e.account_id, e.side, e.liquidity, e.at, e.zone,
                              e.price * e.worth) AS name
          FROM newest_executions($1, $2, $3, $4, $5, $6, $8) e
    ), horizons AS (
        SELECT h.horizon, h.tolerance FROM unnest($9::interval[], $10::interval[]) AS h (horizon, tolerance)
    ), marked AS (
        SELECT f.currency, f.name, h.horizon, f.at + h.horizon + h.tolerance <= $11 AS due,
               f.price * f.worth AS notional, m.mid IS NOT NULL AS marked, f.sign * (m.mid - f.price) * f.worth AS gain,
               m.at - f.at - h.horizon AS late
          FROM found f
          CROSS JOIN horizons h
          LEFT JOIN LATERAL (
                SELECT a.at, a.mid
                  FROM mid_after(f.market, f.symbol, f.at + h.horizon,
                                 least(f.at + h.horizon + h.tolerance, $11), $4) a
                 WHERE f.at + h.horizon <= $11
                OFFSET 0) m ON true  -- keeps the condition inside, where it spares the look-up
    ), sums AS (
        SELECT m.currency, m.name, m.horizon, count(*) AS looked_at, count(m.gain) AS fills,
               count(*) FILTER (WHERE NOT m.marked AND NOT m.due) AS pending,
               count(*) FILTER (WHERE m.gain IS NULL AND (m.marked OR m.due)) AS unpriced,
               sum(m.notional) FILTER (WHERE m.gain IS NOT NULL) AS notional, sum(m.gain) AS gain,
               avg(extract(epoch FROM m.late)) FILTER (WHERE m.gain IS NOT NULL) AS late_seconds
          FROM marked m
         GROUP BY m.currency, m.name, m.horizon
    )
    SELECT c.currency, c.name, extract(epoch FROM h.horizon)::integer AS horizon_seconds, coalesce(s.fills, 0) AS fills,
           coalesce(s.pending, 0) AS pending, coalesce(s.unpriced, 0) AS unpriced,
           c.fills - coalesce(s.looked_at, 0) AS left_out, s.notional, s.gain, s.late_seconds::float8 AS late_seconds
      FROM counted c
      CROSS JOIN horizons h
      LEFT JOIN sums s ON s.currency = c.currency AND s.name IS NOT DISTINCT FROM c.name AND s.horizon = h.horizon
     ORDER BY h.horizon
    """,
)

BY_SYMBOL = FillParts()


async def markouts(db: Fetcher, scope: Scope, params: FillParts = BY_SYMBOL) -> list[MarkOut]:
    """Return the mark-outs after 1 s, 10 s, 1 min and 5 min of the fills in the scope's window.

    By currency and part, the largest first, hours and sizes in order; within a part the shortest horizon first. The
    mid is the first one recorded at or after the horizon: at most 5 s later, for a minute 30 s, for five minutes 150
    s; and never one after the scope's moment. Of many fills it is Σ gain over Σ notional. Of a window with more than
    1,000 fills the newest 1,000 count. Empty when nothing was filled.
    """
    assert scope.moment is not None  # it is resolved
    arguments = (params.by, MOST, list(TOLERANCES), list(TOLERANCES.values()), scope.moment)
    rows = await SUMS.all(db, *window_arguments(scope), scope.strategy, *arguments)
    weights: dict[tuple[str, str | None], Decimal] = {}
    for row in rows:
        key = (row.currency, row.name)
        weights[key] = max(weights.get(key, Decimal(0)), row.notional or Decimal(0))
    return sorted_parts([_part(row) for row in rows], params.by, lambda part: weights[part.currency, part.name])


def _part(row: MarkOutSums) -> MarkOut:
    if row.fills or row.unpriced:
        reason = "no mid was recorded at the horizon"
    else:
        reason = "no mid at the horizon yet" if row.pending else "only the newest 1,000 fills are looked at"
    return MarkOut(
        currency=row.currency,
        name=row.name,
        horizon_seconds=row.horizon_seconds,
        fills=row.fills,
        pending=row.pending,
        unpriced=row.unpriced,
        left_out=row.left_out,
        notional=row.notional,
        gain=row.gain,
        bps=basis_points(row.gain, row.notional, reason),
        late_seconds=row.late_seconds,
    )


READ = Read(
    "markouts",
    "Mark-outs",
    markouts,
    topics=frozenset({Topic.FILLS, Topic.MARKET, Topic.ACCOUNTS}),
    unit="basis points; money in account currency",
    freshness=timedelta(minutes=1),
    params=FillParts,
    formula="side · (mid[t + h] − fill) / fill · 10⁴, positive = good, weighted by notional at the fill price",
)
