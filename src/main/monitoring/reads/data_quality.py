"""Data quality: does what feeds bring of each symbol come whole, on time, once, and alive?"""

import asyncio
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.open_hours import hour_of, open_seconds
from main.monitoring.paging import Page, Paged
from main.monitoring.read import Read
from main.monitoring.trading_hours import trading_hours

LONGEST = timedelta(days=7)
"""Of a longer window the last week counts: 168 rows a symbol, however long the suite has been running."""

MEASURED_WITHIN = timedelta(minutes=5)
"""After its end an hour is measured for the last time, but for snapshots that come late."""

FROZEN_AFTER = 40
"""Snapshots in a row with the same prices and sizes (the hours of the collector count by the same)."""

STATES = ("frozen", "gap", "silent", "unknown", "ok", "closed")
"""From the one to look at first to the one that needs nobody."""
TROUBLED = STATES[:3]

State = Literal["troubled", "frozen", "gap", "silent", "unknown", "ok", "closed"]


@dataclass(frozen=True, slots=True)
class SymbolQuality:
    """What comes of one symbol: its state at the moment, and what was measured in the hours of the window.

    ``state``: frozen (forty snapshots in a row say the same while the bot is at work), gap (nothing came for three
    times the pace, at least 10 s), silent (its bot was stopped, or is silent itself), closed (the exchange is, or the
    replay is over), unknown (nothing ever came), ok; ``reason`` says it in words. ``completeness`` is received over
    expected, a fraction: the open time since the symbol's first snapshot over the feed's own pace. A gap is more than
    three times the pace without a snapshot while the market was open, also one that goes on; a late snapshot was
    learned too long after it was true (`late_after_seconds`), a repeated one is of a moment that had one already.
    ``None``: not measured, or the calendar is not known.
    """

    source: str
    symbol: str
    state: str
    reason: str
    last_at: datetime | None
    heard_at: datetime | None
    pace_seconds: float | None
    received: int | None
    expected: int | None
    completeness: float | None
    gaps: int | None
    gap_seconds: float | None
    longest_gap_seconds: float | None
    repeated: int | None
    late: int | None
    late_share: float | None
    late_after_seconds: float | None
    frozen_seconds: float | None


@dataclass(frozen=True, slots=True)
class QualityCounts:
    """How many symbols there are in each state, and up to when their hours are measured (``None``: not at all)."""

    frozen: int
    gap: int
    silent: int
    unknown: int
    ok: int
    closed: int
    measured_until: datetime | None


@dataclass(frozen=True, slots=True)
class Measured:
    """How far the worker has measured, and a calendar that the instruments name."""

    calendar: str
    until: datetime | None


CALENDARS = Query(
    Measured,
    """
    SELECT DISTINCT i.calendar, (SELECT nullif(p.looked_until, '-infinity') FROM data_quality_progress p) AS until
      FROM traded_instruments($1, $2, $3, $4, NULL) i
    """,
)

SYMBOLS = Query(
    SymbolQuality,
    """
    WITH sources AS MATERIALIZED (
        SELECT a.source, bool_and(a.clock = 'replay') AS replayed, min(b.interval_seconds)::float8 AS interval_seconds,
               bool_or(b.status NOT IN ('stopped', 'finished') AND NOT b.silent) AS alive,
               bool_and(b.status = 'finished') AS finished, bool_and(b.status IN ('stopped', 'finished')) AS stopped
          FROM accounts_at($1, $2, $3, $4) a
          LEFT JOIN bot_signs($1, $2, $3, $4) b ON b.account_id = a.account_id
         GROUP BY a.source
    ), open_hours AS MATERIALIZED (
        SELECT o.calendar, o.hour, o.seconds,
               sum(o.seconds) OVER (PARTITION BY o.calendar ORDER BY o.hour DESC) AS since
          FROM unnest($6::text[], $7::timestamptz[], $8::float8[]) AS o (calendar, hour, seconds)
    ), hours AS (
        SELECT q.*, o.seconds, o.since, q.recorded_at > $3 AS anew, NOT EXISTS (SELECT FROM data_quality p
                            WHERE p.source = q.source AND p.symbol = q.symbol AND p.at < q.at) AS very_first
          FROM sources s
          JOIN instruments i ON i.source = s.source
          JOIN data_quality q ON q.source = i.source AND q.symbol = i.symbol AND q.at >= $5
                             AND q.at < $11
          LEFT JOIN open_hours o ON o.calendar = i.calendar AND o.hour = q.at
    ), counted AS (
        SELECT h.*,
               -- Nothing was to be expected before the very first one.
               greatest(0, h.seconds - CASE WHEN h.very_first THEN extract(epoch FROM h.first_at - h.at)
                                            ELSE 0 END) AS due,
               first_value(CASE WHEN h.very_first THEN h.since END) OVER (
                   PARTITION BY h.source, h.symbol ORDER BY h.at) AS since_first
          FROM hours h
    ), measured AS (
        SELECT c.source, c.symbol, sum(c.received) AS received, sum(c.repeated) AS repeated, sum(c.late) AS late,
               max(c.late_after_seconds) AS late_after_seconds, sum(c.gaps) AS gaps, sum(c.gap_seconds) AS gap_seconds,
               max(c.longest_gap_seconds) AS longest_gap_seconds, sum(c.frozen_seconds) AS frozen_seconds,
               (array_agg(c.pace_seconds ORDER BY c.at DESC) FILTER (WHERE c.pace_seconds IS NOT NULL))[1] AS pace,
               sum(c.due / c.pace_seconds) AS expected, sum(c.seconds) AS seen, min(c.since_first) AS since_first
          FROM counted c
         GROUP BY c.source, c.symbol
        -- Of an hour that was measured later or anew, what was known before is not kept.
        HAVING NOT bool_or(c.anew)
    ), now_told AS (
        SELECT s.source, s.replayed, s.alive, s.finished, s.stopped, i.symbol, i.calendar, n.at, n.recorded_at,
               m.received, m.repeated, m.late, m.late_after_seconds, m.gaps, m.gap_seconds, m.longest_gap_seconds,
               m.frozen_seconds, m.pace,
               -- An hour in which nothing came has no row: what was to come in it counts at the newest pace.
               m.expected + greatest(0, coalesce(m.since_first, (SELECT max(o.since) FROM open_hours o
                                                                  WHERE o.calendar = i.calendar)) - m.seen) / m.pace
                   AS expected,
               coalesce(m.pace, s.interval_seconds, 5) AS beat, same.times >= $10 AS frozen,
               extract(epoch FROM CASE WHEN $4 THEN database_clock() - n.recorded_at ELSE $2 - n.at END) AS age
          FROM sources s
          JOIN instruments i ON i.source = s.source
          LEFT JOIN measured m ON m.source = i.source AND m.symbol = i.symbol
          LEFT JOIN LATERAL newest_book(i.source, i.symbol, $2, $3) n ON true
          LEFT JOIN LATERAL (
                SELECT count(*) AS times
                  FROM (SELECT b.mid, b.bid_prices, b.bid_sizes, b.ask_prices, b.ask_sizes
                          FROM market_snapshots b
                         WHERE b.source = i.source AND b.symbol = i.symbol AND b.at <= n.at AND b.recorded_at <= $3
                         ORDER BY b.at DESC
                         LIMIT $10) b
                 WHERE (b.mid, b.bid_prices, b.bid_sizes, b.ask_prices, b.ask_sizes)
                       = (n.mid, n.bid_prices, n.bid_sizes, n.ask_prices, n.ask_sizes)) same ON true
    )
    SELECT t.source, t.symbol, said.state,
           CASE said.state
                WHEN 'closed' THEN CASE WHEN t.finished THEN 'the replay is over' ELSE 'the exchange is closed' END
                WHEN 'unknown' THEN 'no snapshot was recorded'
                WHEN 'silent' THEN CASE WHEN t.stopped THEN 'its bot was stopped' ELSE 'its bot is silent' END
                WHEN 'gap' THEN 'nothing comes, though its bot is at work'
                WHEN 'frozen' THEN 'the same prices and sizes again and again'
                ELSE '' END AS reason,
           t.at::timestamptz AS last_at, t.recorded_at::timestamptz AS heard_at, t.pace AS pace_seconds,
           t.received, round(t.expected)::bigint AS expected,
           CASE WHEN t.expected > 0 THEN least(1, t.received / t.expected)::float8 END AS completeness,
           t.gaps + going_on.times AS gaps, t.gap_seconds + coalesce(going_on.seconds, 0) AS gap_seconds,
           greatest(t.longest_gap_seconds, going_on.seconds) AS longest_gap_seconds, t.repeated, t.late,
           t.late::float8 / nullif(t.received, 0) AS late_share, t.late_after_seconds, t.frozen_seconds
      FROM now_told t
      CROSS JOIN LATERAL (
            SELECT CASE WHEN t.calendar = ANY ($9::text[]) OR t.finished THEN 'closed'
                        WHEN t.at IS NULL THEN 'unknown'
                        WHEN NOT $4 AND t.replayed THEN 'ok'
                        WHEN NOT t.alive THEN 'silent'
                        WHEN t.age > greatest(10, 3 * t.beat) THEN 'gap'
                        WHEN t.frozen THEN 'frozen'
                        ELSE 'ok' END AS state) said
      -- A gap that goes on has no row yet: hours count those that ended in them.
      CROSS JOIN LATERAL (
            SELECT (said.state = 'gap')::integer AS times,
                   CASE WHEN said.state = 'gap' THEN round(t.age)::float8 END AS seconds) going_on
     ORDER BY array_position(ARRAY['frozen', 'gap', 'silent', 'unknown', 'ok', 'closed'], said.state),
              completeness NULLS LAST, t.source, t.symbol
    """,
)


@dataclass(frozen=True, slots=True)
class QualityPage(Page):
    """Params: which page of the symbols, and only those in one state, or in any that is trouble (``troubled``)."""

    state: State | None = None
    limit: int = 50

    def __post_init__(self) -> None:
        super(QualityPage, self).__post_init__()  # a slotted dataclass is another class than in here
        if self.state is not None and self.state not in ("troubled", *STATES):
            raise ValueError(f'state: got "{self.state[:80]}", expected one of troubled, {", ".join(STATES)}')


async def data_quality(
    db: Fetcher, scope: Scope, asked: QualityPage | None = None
) -> Paged[SymbolQuality, QualityCounts]:
    """Return the symbols of the accounts' sources, those to look at first; no items where no instrument is described.

    The worker measures every hour in which a snapshot came; what it has not come to is not counted yet. Whole hours of
    the window count, at most of the last week, in the past only those that were over. They are measured with all that
    is known now; as known at an earlier moment, a symbol of which an hour was measured anew since then has no figures,
    for only the newest are kept. The state is that of the moment: live, ages count from when the database heard of a
    snapshot, and a replay, whose hours are not measured, never has a gap in its past.
    """
    asked = asked or QualityPage()
    bounds = scope.bounds()
    about = (list(scope.accounts), bounds.end, bounds.known_at, scope.present)
    calendars = await CALENDARS.all(db, *about)
    until = next((min(each.until, bounds.known_at) for each in calendars if each.until), None)
    start = hour_of(max(bounds.start, bounds.end - LONGEST))
    over = bounds.end if scope.present else hour_of(min(bounds.end, bounds.known_at - MEASURED_WITHIN))
    end = min(over, until) if until else start
    hours, closed = await asyncio.to_thread(_hours, {each.calendar for each in calendars}, start, end, bounds.end)
    columns = [list(column) for column in zip(*hours, strict=True)] if hours else [[], [], []]
    found = await SYMBOLS.all(db, *about, start, *columns, sorted(closed), FROZEN_AFTER, over)
    counts = Counter(each.state for each in found)
    wanted = TROUBLED if asked.state == "troubled" else (asked.state,) if asked.state else STATES
    matching = [each for each in found if each.state in wanted]
    summary = QualityCounts(
        counts["frozen"], counts["gap"], counts["silent"], counts["unknown"], counts["ok"], counts["closed"], until
    )
    return Paged(matching[asked.offset : asked.offset + asked.limit], len(matching), asked.limit, asked.offset, summary)


def _hours(
    calendars: Collection[str], start: datetime, end: datetime, moment: datetime
) -> tuple[list[tuple[str, datetime, float]], set[str]]:
    """Return the open seconds of every hour by calendar, and which calendars are closed at the moment."""
    closed = {each for each in calendars if trading_hours(each, moment).state in ("closed", "break")}
    hours = [(each, *hour) for each in sorted(calendars) for hour in open_seconds(each, start, end).items()]
    return hours, closed


READ = Read(
    "data_quality",
    "Data quality",
    data_quality,
    topics=frozenset({Topic.PIPELINES, Topic.ACCOUNTS}),  # not the market: it would be asked anew with every snapshot
    unit="fraction",
    freshness=timedelta(minutes=5),
    about="suite",
    params=QualityPage,
    scalar=lambda page: sum(getattr(page.summary, state) for state in TROUBLED),
    formula="completeness = received / (open seconds since the first snapshot / the feed's median pace)",
)
