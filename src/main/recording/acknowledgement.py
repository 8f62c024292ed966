"""Who has taken on an incident? Written once: whoever is first stays named."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from main.recording.writer import Writer

# A replayed account lives in its own time: there, now is when its bot was heard of last.
_TAKE = """
    UPDATE public.alerts AS a
       SET acknowledged_by = $2,
           acknowledged_at = greatest(a.fired_at, o.moment)
      FROM (SELECT i.alert_id,
                   CASE WHEN c.clock = 'replay'
                        THEN (SELECT max(b.at) FROM public.bot_heartbeats b WHERE b.account_id = i.account_id)
                        ELSE clock_timestamp() END AS moment
              FROM public.alerts i
              LEFT JOIN public.accounts c ON c.account_id = i.account_id
             WHERE i.alert_id = $1) o
     WHERE a.alert_id = o.alert_id AND a.acknowledged_at IS NULL AND a.resolved_at IS NULL
       AND (a.account_id IS NULL OR $3::text[] IS NULL OR a.account_id = ANY ($3))
"""
_STATE = """
    SELECT a.alert_id, a.acknowledged_by, a.acknowledged_at, a.resolved_at
      FROM public.alerts a
     WHERE a.alert_id = $1 AND (a.account_id IS NULL OR $2::text[] IS NULL OR a.account_id = ANY ($2))
"""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """How an incident stands afterwards. Who was not first finds another's name; a resolved one needs nobody's."""

    alert_id: str
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    resolved_at: datetime | None


async def acknowledge(writer: Writer, alert_id: str, by: str, accounts: Iterable[str] | None) -> Acknowledgement | None:
    """Take an incident on in the name `by`; ``None`` for one that is not there, or of none of `accounts`.

    Without `accounts` it may be anybody's; the suite's own is everybody's. Asked twice it changes nothing.
    """
    allowed = None if accounts is None else sorted(accounts)
    await writer.connection.execute(_TAKE, alert_id, by, allowed)
    row = await writer.connection.fetchrow(_STATE, alert_id, allowed)
    return Acknowledgement(**row) if row is not None else None
