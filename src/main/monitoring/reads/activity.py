"""Activity: what happened last, in one line each: fills, rejected and cancelled orders, exits, risk, alerts?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read

LIMIT = 50
LOOKED_AT = 2000
"""How many of the newest order events and system events are looked through: what is quiet must not cost a scan."""

ROUTINE = ("requote", "no quote on this side")
"""Reasons for which a quoting strategy cancels every few seconds; nobody wants to read those."""


@dataclass(frozen=True, slots=True)
class Activity:
    """One thing that happened. ``kind``: fill, rejected, cancelled, expired, exit, event or alert.

    What does not apply to a kind is ``None``: an exit has ``pnl`` (net,
    in ``currency``) and ``word`` (its exit type), an
    order ``word`` (the reason), an event and an alert ``said``, ``word`` (kind or rule) and ``severity``.
    ``order_quantity`` is of the whole order; ``account`` is ``None`` for the suite's own events.
    """

    at: datetime
    kind: str
    key: str
    account: str | None
    label: str | None
    currency: str | None
    symbol: str | None
    side: str | None
    quantity: Decimal | None
    order_quantity: Decimal | None
    quantity_step: Decimal | None
    price: Decimal | None
    tick: Decimal | None
    pnl: Decimal | None
    word: str | None
    said: str | None
    severity: str | None


LAST = Query(
    Activity,
    """
    WITH chosen AS (
        SELECT a.account_id, a.label, a.currency, a.source FROM accounts_at($1, $2, $3, $4) a
    ), happened AS (
        SELECT f.at::timestamptz, 'fill' AS kind, f.source || f.source_id AS key, c.account_id, f.symbol,
               f.side, f.quantity::numeric, o.quantity::numeric AS order_quantity, f.price::numeric,
               NULL::numeric AS pnl, NULL::text AS word, NULL::text AS said, NULL::text AS severity
          FROM chosen c
          CROSS JOIN LATERAL (
                SELECT f.*
                  FROM fills f
                 WHERE f.account_id = c.account_id AND f.at <= $2 AND f.recorded_at <= $3 AND f.quantity > 0
                   AND ($5::text IS NULL OR f.strategy = $5)
                   AND NOT EXISTS (SELECT FROM fills n
                                    WHERE n.account_id = f.account_id AND n.source = f.source
                                      AND n.source_id = f.source_id AND n.revision > f.revision AND n.recorded_at <= $3)
                 ORDER BY f.at DESC
                 LIMIT $6) f
          LEFT JOIN LATERAL (
                SELECT p.quantity
                  FROM orders p
                 WHERE $4 AND p.account_id = f.account_id AND p.order_id = f.order_id
                UNION ALL
                SELECT v.quantity FROM order_version(f.account_id, f.order_id, $2, $3) v WHERE NOT $4) o ON true
        UNION ALL
        SELECT e.*
          FROM chosen c
          CROSS JOIN LATERAL (
                SELECT v.at::timestamptz, v.kind, v.source || v.source_id, c.account_id, v.symbol, v.side,
                       v.quantity::numeric, NULL::numeric, v.price::numeric, NULL::numeric, v.reason, NULL, NULL
                  FROM (SELECT o.*
                          FROM order_events o
                         WHERE o.account_id = c.account_id AND o.at <= $2 AND o.recorded_at <= $3
                         ORDER BY o.at DESC
                         LIMIT $7) v
                 WHERE v.kind IN ('rejected', 'cancelled', 'expired')
                   AND (v.kind <> 'cancelled' OR v.reason IS NULL OR v.reason <> ALL ($8::text[]))
                   AND ($5::text IS NULL OR v.strategy = $5)
                   AND NOT EXISTS (SELECT FROM order_events n
                                    WHERE n.account_id = v.account_id AND n.source = v.source
                                      AND n.source_id = v.source_id AND n.revision > v.revision AND n.recorded_at <= $3)
                 ORDER BY v.at DESC
                 LIMIT $6) e
        UNION ALL
        SELECT e.*
          FROM chosen c
          CROSS JOIN LATERAL (
                SELECT t.exit_time::timestamptz, 'exit', t.source || t.source_id, c.account_id, t.symbol,
                       CASE t.transaction_type WHEN 'BUY' THEN 'long' ELSE 'short' END, t.quantity::numeric,
                       NULL::numeric, t.exit_price::numeric, t.realized_pnl::numeric, t.exit_type, NULL, NULL
                  FROM closed_trades(c.account_id, '-infinity', $2, $3) t
                 WHERE $5::text IS NULL OR t.strategy = $5
                 ORDER BY t.exit_time DESC
                 LIMIT $6) e
        UNION ALL
        SELECT v.at::timestamptz, 'event', v.source || v.source_id, v.account_id::text, NULL, NULL, NULL, NULL,
               NULL, NULL, v.kind, v.message, v.severity
          FROM (SELECT s.*
                  FROM system_events s
                 WHERE (s.account_id IS NULL OR s.account_id = ANY ($1)) AND s.at <= $2 AND s.recorded_at <= $3
                 ORDER BY s.at DESC
                 LIMIT $7) v
         WHERE (v.severity IN ('warning', 'error', 'critical') OR v.kind LIKE 'risk%')
           AND NOT EXISTS (SELECT FROM system_events n
                            WHERE n.source = v.source AND n.source_id = v.source_id
                              AND n.revision > v.revision AND n.recorded_at <= $3)
        UNION ALL
        SELECT v.fired_at::timestamptz, 'alert', v.alert_id, v.account_id::text, NULL, NULL, NULL, NULL, NULL, NULL,
               v.rule, v.title, v.severity
          FROM (SELECT a.*
                  FROM alerts a
                 WHERE (a.account_id IS NULL OR a.account_id = ANY ($1)) AND a.fired_at <= $2
                   AND ($4 OR EXISTS (SELECT FROM alerts_history h
                                       WHERE h.alert_id = a.alert_id AND h.changed_at <= $3))
                 ORDER BY a.fired_at DESC
                 LIMIT $6) v
    )
    SELECT h.at, h.kind, h.key, h.account_id AS account, c.label, c.currency, h.symbol, h.side,
           h.quantity, h.order_quantity, i.quantity_step::numeric AS quantity_step, h.price, i.tick::numeric AS tick,
           h.pnl, h.word, h.said, h.severity
      FROM happened h
      LEFT JOIN chosen c ON c.account_id = h.account_id
      LEFT JOIN instruments i ON i.source = c.source AND i.symbol = h.symbol
     ORDER BY h.at DESC, h.kind, h.key
     LIMIT $6
    """,
)


async def activity(db: Fetcher, scope: Scope) -> list[Activity]:
    """Return the last 50 things that happened at or before the scope's moment, newest first; empty when nothing did.

    Fills and exits without those that were busted; orders rejected, expired and cancelled, other than to be quoted
    anew, and system events from warning up or about risk, both among the newest 2,000 of an account; alerts when they
    fired. A strategy narrows the first three.
    """
    bounds = scope.bounds()
    arguments = (bounds.end, bounds.known_at, scope.present, scope.strategy, LIMIT, LOOKED_AT, list(ROUTINE))
    return await LAST.all(db, list(scope.accounts), *arguments)


READ = Read(
    "activity",
    "Activity",
    activity,
    topics=frozenset({Topic.FILLS, Topic.ORDERS, Topic.TRADES, Topic.EVENTS, Topic.ALERTS, Topic.ACCOUNTS}),
    unit="text",
    freshness=timedelta(minutes=1),
    formula="newest revision of each fact, newest first",
)
