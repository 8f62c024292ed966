"""Search: which symbols and closed trades are called so?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read

LONGEST = 200
MOST = 8
"""Symbols, and trades, that are named: who looks for one among more writes another letter."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A symbol, whose ``id`` is its name, or a trade, whose ``id`` is the one that the list of trades has.

    Of a trade it is told whose it is, when it closed, from which side, and its net P&L in the account's currency.
    """

    kind: str
    id: str
    symbol: str
    account: str | None
    label: str | None
    currency: str | None
    exit_time: datetime | None
    side: str | None
    pnl: Decimal | None


# A number alone is a trade's own id at its source: the sources of an account are few and found one after the other.
FOUND = Query(
    Hit,
    """
    WITH RECURSIVE named AS MATERIALIZED (
        SELECT s.symbol
          FROM (SELECT i.symbol FROM traded_instruments($1, $2, $3, $4, NULL) i
                UNION
                SELECT p.symbol FROM open_positions($1, $2, $3, $4) p) s
         WHERE $5 <> '' AND strpos(lower(s.symbol), lower($5)) > 0
         ORDER BY lower(s.symbol) <> lower($5), strpos(lower(s.symbol), lower($5)), length(s.symbol), s.symbol
         LIMIT $6
    ), origins AS (
        SELECT a.account_id, (SELECT min(t.source) FROM trades t WHERE t.account_id = a.account_id) AS source
          FROM accounts_at($1, $2, $3, $4) a
        UNION ALL
        SELECT o.account_id, (SELECT min(t.source) FROM trades t
                                WHERE t.account_id = o.account_id AND t.source > o.source)
          FROM origins o
         WHERE o.source IS NOT NULL
    ), closed AS (
        SELECT t.*
          FROM accounts_at($1, $2, $3, $4) a
          CROSS JOIN named n
          CROSS JOIN LATERAL (
                SELECT c.*
                  FROM closed_trades(a.account_id, '-infinity', $2, $3) c
                 WHERE c.symbol = n.symbol
                   AND ($7::timestamptz IS NULL OR c.exit_time >= $7)
                   AND ($8::timestamptz IS NULL OR c.exit_time < $8)
                 ORDER BY c.exit_time DESC
                 LIMIT $6) t
        UNION
        SELECT t.*
          FROM origins o
          CROSS JOIN LATERAL closed_trades(o.account_id, '-infinity', $2, $3) t
         WHERE t.source = o.source
           AND t.source_id IN ($5, substr($5, length(o.account_id || '/' || o.source) + 2))
           AND $5 IN (t.source_id, o.account_id || '/' || o.source || '/' || t.source_id)
    )
    SELECT 'symbol' AS kind, n.symbol AS id, n.symbol, NULL::text AS account, NULL::text AS label,
           NULL::text AS currency, NULL::timestamptz AS exit_time, NULL::text AS side, NULL::numeric AS pnl
      FROM named n
    UNION ALL
    (SELECT 'trade', t.account_id || '/' || t.source || '/' || t.source_id, t.symbol, t.account_id::text, a.label,
            a.currency, t.exit_time::timestamptz, CASE t.transaction_type WHEN 'BUY' THEN 'long' ELSE 'short' END,
            t.realized_pnl::numeric
       FROM closed t
       JOIN accounts_at($1, $2, $3, $4) a ON a.account_id = t.account_id
      ORDER BY t.exit_time DESC, t.source, t.source_id
      LIMIT $6)
    """,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Params: a part of a symbol, whatever the case, or a trade's id, whole or as its source has it.

    Of a symbol's trades only those that were closed from a moment on and before another; both are aware.
    """

    text: str = ""
    closed_from: datetime | None = None
    closed_before: datetime | None = None

    def __post_init__(self) -> None:
        for name, moment in (("closed_from", self.closed_from), ("closed_before", self.closed_before)):
            if moment is not None and moment.utcoffset() is None:
                raise ValueError(f"{name}: expected a time with its zone, such as 2026-11-20T10:15:00Z")
        if len(self.text) > LONGEST or "\0" in self.text:
            raise ValueError(f"text: expected at most {LONGEST} characters, and none that is NUL")


async def search(db: Fetcher, scope: Scope, wanted: Wanted | None = None) -> list[Hit]:
    """Return up to 8 symbols, the nearest first, and up to 8 trades, the newest first; nothing for an empty text.

    A symbol is one that the scope's accounts may trade or hold; trades are those of the symbols found and the one whose
    id the text is. The window is of no account.
    """
    text = wanted.text.strip() if wanted else ""
    if wanted is None or not text:
        return []
    bounds = scope.bounds()
    which = (list(scope.accounts), bounds.end, bounds.known_at, scope.present)
    return await FOUND.all(db, *which, text, MOST, wanted.closed_from, wanted.closed_before)


READ = Read(
    "search",
    "Search",
    search,
    topics=frozenset({Topic.TRADES, Topic.POSITIONS, Topic.ACCOUNTS}),
    unit="account currency",
    freshness=timedelta(minutes=1),
    params=Wanted,
    formula="symbols that contain the text, their newest trades, and the trade of that id",
)
