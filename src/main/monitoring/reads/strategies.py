"""Strategies: which have these accounts run, and so can be asked about?"""

from dataclasses import dataclass
from datetime import timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read


@dataclass(frozen=True, slots=True)
class AccountStrategy:
    """A strategy by its name, and an account that ran it."""

    strategy: str
    account: str


NAMES = Query(
    AccountStrategy,
    """
    SELECT found.strategy, found.account
      FROM (SELECT b.strategy, b.account_id AS account
              FROM bot_signs($1, $2, $3, $4) b
            UNION
            SELECT p.strategy, p.account_id
              FROM open_positions($1, $2, $3, $4) p
            UNION
            SELECT d.strategy, d.account_id::text
              FROM trade_days d
             WHERE d.account_id = ANY ($1) AND d.width = 'month' AND d.part = '' AND d.day <= $2
            UNION
            SELECT t.strategy, t.account_id
              FROM unnest($1::text[]) AS a (id)
              CROSS JOIN LATERAL closed_trades(a.id, $2 - interval '1 day', $2, $3) t) found
     WHERE found.strategy <> ''
     ORDER BY found.strategy, found.account
    """,
)


async def strategies(db: Fetcher, scope: Scope) -> list[AccountStrategy]:
    """Return the strategies of the scope's accounts by name, a row for every account; empty where none was named.

    They are those of the bots' last signs of life, of open positions and of closed trades; trades of earlier days are
    those known today, because their names are kept in sums by month. The window and the scope's own strategy are of no
    account: what can be chosen does not depend on what was chosen.
    """
    bounds = scope.bounds()
    return await NAMES.all(db, list(scope.accounts), bounds.end, bounds.known_at, scope.present)


READ = Read(
    "strategies",
    "Strategies",
    strategies,
    topics=frozenset({Topic.TRADES, Topic.POSITIONS, Topic.ACCOUNTS}),
    unit="text",
    freshness=timedelta(minutes=1),
    formula="strategies of bots, open positions and closed trades up to the moment",
)
