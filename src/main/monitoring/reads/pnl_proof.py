"""P&L proof: does the change of equity follow from the trades, marks, fees, flows and rates of the window?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read


@dataclass(frozen=True, slots=True)
class ProofRow:
    """The parts of one account's change of equity, in its currency, each signed as credited to it; fees are paid.

    ``begins_at`` is ``None`` for an account that begins inside the window, with nothing. ``residual`` is what no part
    explains: 0 when the books are right, ``None`` where the observations do not say what was unrealized.
    """

    account_id: str
    currency: str
    begins_at: datetime | None
    ends_at: datetime
    equity_before: Decimal
    equity_after: Decimal
    change: Decimal
    realized: Decimal
    unrealized_change: Decimal | None
    fees: Decimal
    funding: Decimal
    dividends: Decimal
    interest: Decimal
    external: Decimal
    fx: Decimal
    residual: Decimal | None


PROOF = Query(
    ProofRow,
    """
    SELECT p.account_id, p.currency, p.begins_at, p.ends_at, p.equity_before, p.equity_after, p.change, p.realized,
           p.unrealized_change, p.fees, p.funding, p.dividends, p.interest, p.external, p.fx, p.residual
      FROM pnl_proof($1, $2, $3, $4) p
     ORDER BY p.account_id
    """,
)


async def pnl_proof(db: Fetcher, scope: Scope) -> list[ProofRow]:
    """Return the proof of each account over the scope's window; none for one without two observations of equity.

    It runs between observations: from the last at or before the window's start (or from nothing, for an account that
    begins inside it) to the last at or before its end. Realised P&L is gross and counted by fill time, fees count when
    they are charged, deposits, withdrawals and transfers are external; ``fx`` is what exchange rates did to money held
    in other currencies.
    """
    bounds = scope.bounds()
    return await PROOF.all(db, list(scope.accounts), bounds.start, bounds.end, bounds.known_at)


def _newest(rows: list[ProofRow]) -> datetime | None:
    return max((row.ends_at for row in rows), default=None)


def _largest_residual(rows: list[ProofRow]) -> Decimal | None:
    """The largest residual in size, for alerts; ``None`` while none is known."""
    return max((abs(row.residual) for row in rows if row.residual is not None), default=None)


READ = Read(
    "pnl_proof",
    "P&L proof",
    pnl_proof,
    topics=frozenset({Topic.EQUITY, Topic.TRADES, Topic.FILLS, Topic.CASH, Topic.ACCOUNTS}),
    unit="account currency",
    freshness=timedelta(minutes=1),
    as_of=_newest,
    scalar=_largest_residual,
    formula="Δequity = Σ gross realised + Δ unrealised − fees + funding + dividends + interest + flows + FX + residual",
)
