"""Are the roles such that row-level security binds whoever reads for a page?"""

from typing import Any

from main.diagnosis.asking import asking
from main.diagnosis.finding import Finding, failed, passed, warned
from main.diagnosis.situation import Situation

OURS = ("ai_trader_owner", "ai_trader_service", "ai_trader_app")
APP = "ai_trader_app"

_ROLES = "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = ANY ($1)"
# The right to SET ROLE is one of its own from 16 on; before, membership is that right.
_MAY = """
    SELECT name, pg_has_role(session_user, name, CASE WHEN current_setting('server_version_num')::int >= 160000
                                                      THEN 'SET' ELSE 'MEMBER' END) AS may
      FROM unnest($1::text[]) AS name
"""
_LOGIN = "SELECT session_user::text AS name, rolsuper FROM pg_roles WHERE rolname = session_user"
_GROUPS = "SELECT rolname FROM pg_roles WHERE rolname <> $1 AND pg_has_role($1, oid, 'MEMBER') ORDER BY rolname"
_OWNED = "SELECT relname FROM pg_class WHERE relowner = $1::regrole ORDER BY relname LIMIT 3"


async def roles(situation: Situation) -> list[Finding]:
    """Look at the three roles, and at who logs in."""
    async with asking(situation.direct) as connection:
        known = {row["rolname"]: row for row in await connection.fetch(_ROLES, list(OURS))}
        missing = [name for name in OURS if name not in known]
        if missing:
            return [failed("roles", f"missing: {', '.join(missing)}", "ai_trader.py db migrate")]
        found = [*await _login(connection, embedded=situation.known.database.embedded)]
        found += [each for name in (APP, "ai_trader_service") for each in _powers(known[name])]
        if not known[APP]["rolsuper"]:  # who may do everything also may do what any role may
            found += await _memberships(connection)
    return found or [passed("roles", "the app role owns nothing, is no superuser and cannot pass row-level security")]


async def _login(connection: Any, *, embedded: bool) -> list[Finding]:
    refused = [row["name"] for row in await connection.fetch(_MAY, list(OURS)) if not row["may"]]
    login = await connection.fetchrow(_LOGIN)
    if refused:
        grant = f'GRANT {", ".join(refused)} TO "{login["name"]}"'
        return [failed("roles", f"{login['name']} may not become {', '.join(refused)}", grant)]
    if login["rolsuper"] and not embedded:
        fix = "log in as a role that owns the database and has CREATEROLE: set DB_USER and DB_PASSWORD"
        return [warned("roles", f"{login['name']} is a superuser: more than is needed", fix)]
    return []


def _powers(role: Any) -> list[Finding]:
    name, found = role["rolname"], []
    if role["rolsuper"]:
        found.append(failed("roles", f"{name} is a superuser: it sees every account", f"ALTER ROLE {name} NOSUPERUSER"))
    if role["rolbypassrls"]:
        found.append(failed("roles", f"{name} passes row-level security by", f"ALTER ROLE {name} NOBYPASSRLS"))
    return found


async def _memberships(connection: Any) -> list[Finding]:
    found = []
    groups = [row["rolname"] for row in await connection.fetch(_GROUPS, APP)]
    if groups:
        fix = "; ".join(f'REVOKE "{group}" FROM {APP}' for group in groups)
        found.append(failed("roles", f"{APP} may do what {', '.join(groups)} may: policies are theirs too", fix))
    owned = [row["relname"] for row in await connection.fetch(_OWNED, APP)]
    if owned:
        fix = f"REASSIGN OWNED BY {APP} TO ai_trader_owner"
        found.append(failed("roles", f"{APP} owns {', '.join(owned)}: an owner may change its policies", fix))
    return found
