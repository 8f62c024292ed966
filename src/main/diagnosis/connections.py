"""Are there connections enough for what these settings start?"""

from main.config import Settings
from main.diagnosis.asking import NAME, asking
from main.diagnosis.finding import Finding, failed, passed, warned
from main.diagnosis.situation import Situation
from main.housekeeping.duties import duties
from main.monitoring.dashboards.v2.service_commands import DASHBOARDS

CROWDED = 0.9

_FACTS = """
    SELECT current_setting('max_connections')::int
               - current_setting('superuser_reserved_connections')::int
               - coalesce(current_setting('reserved_connections', true)::int, 0) AS server_limit,
           (SELECT datconnlimit FROM pg_database WHERE datname = current_database()) AS database_limit,
           (SELECT rolconnlimit FROM pg_roles WHERE rolname = session_user) AS role_limit,
           (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend') AS used,
           (SELECT count(*)::int FROM pg_stat_activity
             WHERE backend_type = 'client backend' AND application_name NOT LIKE 'ai-trader%') AS others,
           (SELECT count(*)::int FROM pg_stat_activity
             WHERE backend_type = 'client backend' AND application_name <> $1) AS without_us
"""


def budget(settings: Settings) -> int:
    """Return the most connections that one machine's set of services may have open at once; docs/database.md counts.

    A dashboard: its pool, LISTEN, two to write, two to export, migrations. The worker: one a job and one for their
    rows, election, migrations. The manager: rows, migrations. A bot: Recorder, announcements, what it looks up.
    """
    dashboards = len(DASHBOARDS) * (settings.database.pool_size + 6)
    worker = len(duties(settings)) + 1 + 2
    return dashboards + worker + 2 + 3


async def connections(situation: Situation) -> list[Finding]:
    """Compare what is used and what we may need with what the server, the database and the role allow."""
    async with asking(situation.direct) as connection:
        row = await connection.fetchrow(_FACTS, NAME)
    limits = {
        "max_connections (without those reserved)": row["server_limit"],
        "the database's connection limit": row["database_limit"],
        "the login's connection limit": row["role_limit"],
    }
    name, limit = min(((name, most) for name, most in limits.items() if most >= 0), key=lambda each: each[1])
    needed = budget(situation.known)
    seen = f"{row['without_us']} of {limit} in use; these settings may take {needed}"
    fix = f"raise {name} to {needed + row['others'] + 5} or more, or lower database.pool_size"
    if needed > limit:
        return [failed("connections", seen, fix)]
    if needed + row["others"] > limit:
        return [warned("connections", f"{seen}, others have {row['others']}", fix)]
    if row["without_us"] > CROWDED * limit:
        return [warned("connections", seen, f"end idle connections, or {fix}")]
    return [passed("connections", seen)]
