"""Who keeps the books of accounts whose bots send only fills? The worker folds what comes and rebuilds what changes."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from main.books.corrections import earliest, unknown_facts
from main.books.derived import write
from main.books.facts import Facts, account, marks, rates
from main.books.fold import LATE_PRICES, Folding
from main.books.rebuild import begin, horizon, refold
from main.books.stored import FOR_EVER, stored
from main.clock import monotonic
from main.database.pool import Database
from main.domain.events import Account, CashFlow, Fill
from main.errors import AITraderError, RecordRejected

_log = structlog.get_logger(__name__)

LATE_PRICES_SECONDS = 10.0
"""How often prices that came late are looked for; facts that did are noticed at once."""

_BEGINNING = datetime(1970, 1, 2, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_ACCOUNTS = "SELECT account_id FROM accounts WHERE books = 'suite' ORDER BY account_id"
_PROGRESS = "SELECT known_at, until FROM books_progress WHERE account_id = $1"
# Whether the books, right until a moment, were kept by other rules than those of now.
_RULES_CHANGED = """
    SELECT (v.source, v.currency, v.zone, v.roll_over, v.lot_matching, v.clock)
           IS DISTINCT FROM (a.source, a.currency, a.zone, a.roll_over, a.lot_matching, a.clock)
      FROM accounts a, LATERAL (SELECT * FROM accounts_history h
                                 WHERE h.account_id = a.account_id AND h.changed_at <= $2
                                 ORDER BY h.changed_at DESC LIMIT 1) v
     WHERE a.account_id = $1
"""
_SAVE = """
    INSERT INTO books_progress AS stored (account_id, known_at, until) VALUES ($1, $2, $3)
    ON CONFLICT (account_id) DO UPDATE SET known_at = excluded.known_at, until = excluded.until
"""
_SETTLED = "SELECT settled_until()"
_MARK = "SELECT mark_settlement()"


@dataclass(slots=True)
class _Kept:
    """The books of one account in memory. Facts recorded until ``known_at`` are in them."""

    folding: Folding
    known_at: datetime
    looked_for_late_prices: float


class Bookkeeper:
    """Keeps the books of every account with ``books = suite``. Nothing in memory is needed: it saves time only."""

    def __init__(self, *, late_prices_every: float = LATE_PRICES_SECONDS) -> None:
        """Begin without any books: they are read when they are needed. Late prices are looked for at that pace."""
        self._late_prices_every = late_prices_every
        self._kept: dict[str, _Kept] = {}

    async def run(self, database: Database) -> None:
        """Bring all books up to date, each in a transaction of its own.

        An account whose facts make no books keeps its last ones and does not keep others waiting; `AITraderError` names
        it when all are done. What the database raises ends the turn.
        """
        async with database.scoped() as connection:
            await connection.execute(_MARK)
            accounts = [row["account_id"] for row in await connection.fetch(_ACCOUNTS)]
        self._kept = {name: kept for name, kept in self._kept.items() if name in accounts}
        troubles = []
        for name in accounts:
            before = self._kept.pop(name, None)  # what happens to it halfway is of no use
            try:
                async with database.scoped() as connection:
                    kept = await self._keep(connection, name, before)
            except RecordRejected as error:
                troubles.append(f"the books of {name} stand still: {error.message}")
            else:
                if kept is not None:
                    self._kept[name] = kept
        if troubles:
            raise AITraderError("; ".join(troubles))

    async def _keep(self, connection: Any, name: str, kept: _Kept | None) -> _Kept | None:
        await begin(connection, name)
        owner = await account(connection, name)
        settled: datetime = await connection.fetchval(_SETTLED) or _BEGINNING  # before any fact is read
        progress = await connection.fetchrow(_PROGRESS, name)
        known_at: datetime = progress["known_at"] if progress else _BEGINNING
        since: datetime | None
        if kept is None or kept.folding.account != owner:
            reached = progress["until"] if progress else None
            if reached and await connection.fetchval(_RULES_CHANGED, name, known_at):
                reached = None
            since = await _since(connection, owner, known_at, reached) if reached else _BEGINNING
        else:
            since = await self._advance(connection, kept)
        if since is not None:
            rebuilt, folding = await refold(connection, name, since)
            if rebuilt.changed:
                _log.info("books rebuilt", account=name, since=since.isoformat(), trades=rebuilt.trades)
            kept = _Kept(folding, known_at, monotonic())
        assert kept is not None
        if kept.folding.until is None:
            return None
        if not kept.folding.waiting:  # a fact whose time has not come yet would be forgotten over a restart
            kept.known_at = max(kept.known_at, settled)
        await connection.execute(_SAVE, name, kept.known_at, kept.folding.until)
        return kept

    async def _advance(self, connection: Any, kept: _Kept) -> datetime | None:
        """Fold what has come since the last turn; return from when on to rebuild where it came too late."""
        folding, owner = kept.folding, kept.folding.account
        assert folding.until is not None
        told, _ = await unknown_facts(connection, owner.account, folding.ledger, kept.known_at)
        facts = list(dict.fromkeys((*folding.waiting, *told)))
        told_rates = await rates(connection, owner.source, owner.currency, since=kept.known_at)
        new_rates = [rate for rate in told_rates if not folding.knows_rate(rate)]
        if any(isinstance(fact, Fill) and fact.symbol not in folding.described for fact in facts):
            return folding.until  # described since: the ledger must know its currency
        moments = [await earliest(connection, owner.account, facts), *(rate.at for rate in new_rates)]
        moments.append(await self._late_price(connection, kept))
        late = [at for at in moments if at is not None and at <= folding.until]
        if late:
            return min(late)
        until = await horizon(connection, owner)
        if until is not None and until > folding.until:
            new = Facts(owner, (), _of(Fill, facts), _of(CashFlow, facts), new_rates)
            await _fold(connection, folding, new, until)
        return None

    async def _late_price(self, connection: Any, kept: _Kept) -> datetime | None:
        folding = kept.folding
        if folding.until is None or monotonic() - kept.looked_for_late_prices < self._late_prices_every:
            return None
        kept.looked_for_late_prices = monotonic()
        span = folding.until - LATE_PRICES, folding.until
        recent = await marks(connection, folding.account.source, sorted(folding.symbols), *span)
        late = (mark.at for mark in recent if folding.prices.get((mark.symbol, mark.at)) != mark.price)
        return min(late, default=None)


async def _since(connection: Any, owner: Account, known_at: datetime, until: datetime) -> datetime:
    """From when on books that are not in memory may be wrong: they were right until then, but for what came late."""
    facts, _ = await unknown_facts(connection, owner.account, Folding(owner, ()).ledger, known_at)
    moments = [await earliest(connection, owner.account, facts)]
    moments += [rate.at for rate in await rates(connection, owner.source, owner.currency, since=known_at)]
    return min([until - LATE_PRICES, *(at for at in moments if at is not None)])


async def _fold(connection: Any, folding: Folding, facts: Facts, until: datetime) -> None:
    assert folding.until is not None
    name, source, after = folding.account.account, folding.account.source, folding.until
    prices = await marks(connection, source, sorted(folding.symbols.union(facts.symbols)), after, until)
    already = await stored(connection, name, source, after + _MICROSECOND)
    books = folding.advance(facts, prices, until)
    span = after + _MICROSECOND, FOR_EVER
    # What was open before is none of this turn's business unless it changed.
    await write(connection, folding.account, replace(already, positions=frozenset()), books, span)


def _of(kind: Any, facts: list[Fill | CashFlow]) -> list[Any]:
    return [fact for fact in facts if isinstance(fact, kind)]
