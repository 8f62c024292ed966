"""External flows: which cash came from outside, or went there?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read

MOST = 1000


@dataclass(frozen=True, slots=True)
class ExternalFlow:
    """One deposit, withdrawal or transfer: ``amount`` is in ``currency``, signed as credited to the account."""

    at: datetime
    account: str
    label: str
    currency: str
    kind: str
    amount: Decimal


NEWEST = Query(
    ExternalFlow,
    """
    SELECT f.at::timestamptz AS at, a.account_id AS account, a.label, a.currency, f.kind, f.amount::numeric AS amount
      FROM accounts_at($1, $3, $4, $5) a
      CROSS JOIN LATERAL booked_flows(a.account_id, $2, $3, $4) f
     WHERE f.kind IN ('deposit', 'withdrawal', 'transfer') AND f.amount <> 0
     ORDER BY f.at DESC, a.account_id, f.source_id DESC
     LIMIT $6
    """,
)


@dataclass(frozen=True, slots=True)
class FlowParams:
    """Params: how many of the newest. Raises ValueError."""

    limit: int = 200

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MOST:
            raise ValueError(f"limit: got {self.limit}, expected 1 to {MOST}")


async def external_flows(db: Fetcher, scope: Scope, asked: FlowParams | None = None) -> list[ExternalFlow]:
    """Return the newest flows of the scope's window, newest first; empty where no cash came or went.

    They are what growth and drawdown leave out. Dividends, funding and fees are performance, and not among them. A
    corrected flow counts as corrected, a busted one not at all.
    """
    asked = asked or FlowParams()
    bounds = scope.bounds()
    which = (list(scope.accounts), bounds.start, bounds.end, bounds.known_at, scope.present)
    return await NEWEST.all(db, *which, asked.limit)


READ = Read(
    "external_flows",
    "Cash flows from outside",
    external_flows,
    topics=frozenset({Topic.CASH, Topic.ACCOUNTS}),
    unit="account currency",
    freshness=timedelta(minutes=1),
    params=FlowParams,
    formula="newest revision of each deposit, withdrawal and transfer",
)
