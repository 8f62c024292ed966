"""Accounts: which accounts can be asked about, and what they trade in."""

from dataclasses import dataclass
from datetime import timedelta

from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.read import Read


@dataclass(frozen=True, slots=True)
class AccountEntry:
    """One account. ``mode`` is simulated, replay, paper or live; ``clock`` wall or replay; ``zone`` an IANA name."""

    account: str
    label: str
    broker: str
    currency: str
    mode: str
    zone: str
    roll_over_seconds: float
    clock: str
    source: str
    periods_per_year: int
    benchmark: str | None


ENTRIES = Query(
    AccountEntry,
    """
    SELECT a.account_id AS account, a.label, a.broker, a.currency, a.mode, a.zone,
           extract(epoch FROM a.roll_over)::float8 AS roll_over_seconds, a.clock, a.source,
           a.periods_per_year, a.benchmark
      FROM accounts_at(ARRAY(SELECT v.account_id::text
                               FROM accounts v
                              WHERE $1::text[] = '{}' OR v.account_id = ANY ($1)), $2, $3, $4) a
     ORDER BY a.label, a.account_id
    """,
)


async def accounts(db: Fetcher, scope: Scope) -> list[AccountEntry]:
    """Return the scope's accounts (every visible one when it names none), by label; empty when there are none.

    Settings are those in force at the scope's moment; an account keeps its first settings for the time before them.
    """
    bounds = scope.bounds()
    return await ENTRIES.all(db, list(scope.accounts), bounds.end, bounds.known_at, scope.present)


READ = Read(
    "accounts",
    "Accounts",
    accounts,
    topics=frozenset({Topic.ACCOUNTS}),
    unit="text",
    freshness=timedelta(minutes=1),
    about="suite",
    formula="the newest version of each account's settings at or before the moment",
)
