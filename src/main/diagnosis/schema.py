"""Is the schema the one that this code needs?"""

from main.database.migrate import schema_status
from main.diagnosis.finding import Finding, failed, passed, warned
from main.diagnosis.situation import Situation

_SHOWN = 3


async def schema(situation: Situation) -> list[Finding]:
    """Compare the migrations applied with those of this code; note when the tables are not those of this code."""
    status = await schema_status(situation.direct)
    if status.changed:
        seen = f"changed after they were applied: {', '.join(status.changed[:_SHOWN])}"
        return [failed("schema", seen, "restore these files of sql/: a migration never changes once it has run")]
    if status.pending:
        first = not status.applied
        situation.old_schema = "the schema was not made yet" if first else "the schema is older than this code"
        more = f" and {len(status.pending) - _SHOWN} more" if len(status.pending) > _SHOWN else ""
        pending = f"pending: {', '.join(status.pending[:_SHOWN])}{more}"
        return [failed("schema", f"none yet, {pending}" if first else pending, "ai_trader.py db migrate")]
    if status.unknown:
        seen = f"{len(status.unknown)} migrations of a newer version, up to {status.unknown[-1]}"
        return [warned("schema", seen, "update this code to the version that made them")]
    return [passed("schema", f"{len(status.applied)} files applied, none pending")]
