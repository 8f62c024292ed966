"""What has been learned of an account that its ledger does not know, and from when on does that change the books?"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from main.books.facts import fills, flows
from main.domain.events import CashFlow, Fill
from main.domain.ledger import Ledger

_SETTLED = "SELECT settled_until() FROM mark_settlement()"
_EARLIER_REVISIONS = """
    SELECT min(at) FROM (
        SELECT f.at::timestamptz AS at FROM fills f JOIN unnest($2::text[], $3::text[]) AS known(source, source_id)
            ON f.account_id = $1 AND f.source = known.source AND f.source_id = known.source_id
         UNION ALL
        SELECT c.at::timestamptz FROM cash_flows c JOIN unnest($4::text[], $5::text[]) AS known(source, source_id)
            ON c.account_id = $1 AND c.source = known.source AND c.source_id = known.source_id) AS revisions
"""


async def unknown_facts(
    connection: Any, account_id: str, ledger: Ledger, since_recorded: datetime | None
) -> tuple[list[Fill | CashFlow], datetime | None]:
    """Return the fills and flows learned since a moment that `ledger` does not know, and the moment to ask from next.

    `None` asks for all. The moment returned stays behind every transaction that is still open, so that one that commits
    late is not passed over; what is read twice the ledger knows by then. For facts that are corrections or older than
    what is booked call `rebuild` with `earliest`, and fold the ledger anew.
    """
    settled: datetime | None = await connection.fetchval(_SETTLED)  # before the facts are read
    told: list[Fill | CashFlow] = [
        *await fills(connection, account_id, since=since_recorded),
        *await flows(connection, account_id, since=since_recorded),
    ]
    unknown = [fact for fact in told if not ledger.knows(fact)]
    following = max((at for at in (since_recorded, settled) if at is not None), default=None)
    return unknown, following


async def earliest(connection: Any, account_id: str, facts: Sequence[Fill | CashFlow]) -> datetime | None:
    """Return the earliest moment that facts change: their own, and those of the revisions they correct."""
    moments = [fact.at for fact in facts]
    corrections = [fact for fact in facts if fact.revision]
    if corrections:
        keys: list[list[str]] = []
        for kind in (Fill, CashFlow):
            of_kind = [fact for fact in corrections if isinstance(fact, kind)]
            keys += [[fact.source for fact in of_kind], [fact.source_id for fact in of_kind]]
        before = await connection.fetchval(_EARLIER_REVISIONS, account_id, *keys)
        moments += [before] if before is not None else []
    return min(moments, default=None)
