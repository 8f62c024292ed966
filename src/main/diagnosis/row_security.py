"""Does account A never see B? By the definitions of all tables, and by a trial with two accounts, rolled back."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from main.diagnosis.asking import asking
from main.diagnosis.finding import Finding, failed, passed, skipped
from main.diagnosis.roles import APP
from main.diagnosis.situation import Situation

_CHECK = "row security"
_SETTING = "app.accounts"
_VISIBLE = f"account_id = ANY ((SELECT string_to_array(current_setting('{_SETTING}', true), ','))::text[])"

_TABLES = """
    SELECT c.oid::regclass::text AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
           c.relispartition AS partition, c.relkind = 'v' AS view,
           coalesce(c.reloptions::text LIKE '%security_invoker=true%', false)
               OR coalesce(c.reloptions::text LIKE '%security_invoker=on%', false) AS as_invoker,
           EXISTS (SELECT FROM pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attname = 'account_id' AND NOT a.attisdropped) AS of_accounts,
           coalesce((SELECT array_agg(coalesce(pg_get_expr(p.polqual, p.polrelid), 'true') ORDER BY p.polname)
              FROM pg_policy p
             WHERE p.polrelid = c.oid AND p.polcmd IN ('r', '*') AND p.polpermissive
               AND (0 = ANY (p.polroles) OR EXISTS (SELECT FROM unnest(p.polroles) AS granted
                                                     WHERE pg_has_role($1, granted, 'MEMBER')))), '{}') AS policies
      FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
       AND has_table_privilege($1, c.oid, 'SELECT')
     ORDER BY 1
"""
_ACCOUNT = """
    INSERT INTO accounts (account_id, source, broker, label, currency, mode, at)
    VALUES ($1::text, 'doctor', 'doctor', $1::text, 'USD', 'simulated', clock_timestamp())
"""
_FACTS = (
    """INSERT INTO bot_heartbeats (account_id, source, source_id, at, status, interval_seconds, cycle_count,
                                   uptime_seconds)
       VALUES ($1::text, 'doctor', $1::text, clock_timestamp(), 'stopped', 1, 0, 0)""",
    """INSERT INTO cash_flows (account_id, source, source_id, at, kind, amount)
       VALUES ($1::text, 'doctor', $1::text, clock_timestamp(), 'deposit', 1)""",
    """INSERT INTO trading_pnl (account_id, source, source_id, at, equity)
       VALUES ($1::text, 'doctor', $1::text, clock_timestamp(), 1)""",
    """INSERT INTO system_events (account_id, source, source_id, at, severity, kind, message)
       VALUES ($1::text, 'doctor', $1::text, clock_timestamp(), 'info', 'doctor', 'a self-test, rolled back')""",
)
_WRITTEN = ("accounts", "bot_heartbeats", "cash_flows", "trading_pnl", "system_events")


@dataclass(frozen=True, slots=True)
class _Relation:
    """A table or view of the schema public that the app role may read."""

    name: str
    enabled: bool
    forced: bool
    partition: bool
    view: bool
    as_invoker: bool
    of_accounts: bool
    policies: Sequence[str]


async def row_security(situation: Situation) -> list[Finding]:
    """Judge the definitions, then look with the app role's own eyes. Whatever is written is rolled back."""
    async with asking(situation.direct) as connection:
        relations = [_Relation(**dict(row)) for row in await connection.fetch(_TABLES, APP)]
        found = [each for relation in relations for each in _judged(relation)]
        scoped = [each.name for each in relations if each.of_accounts and not each.partition]
        try:
            leaks = await _tried(connection, scoped)
        except asyncpg.ReadOnlySQLTransactionError:
            return [*found, skipped(_CHECK, "the database takes no writes now: only the definitions were judged")]
    found += [each for each in leaks if each not in found]
    return found or [passed(_CHECK, f"two accounts saw nothing of each other in {len(scoped)} tables and views")]


def _judged(relation: _Relation) -> list[Finding]:
    name = relation.name
    if relation.partition:
        seen = f"{APP} may read the partition {name}, which its parent's policy does not guard"
        return [failed(_CHECK, seen, f"REVOKE ALL ON {name} FROM {APP}")]
    if relation.view:
        if relation.as_invoker or not relation.of_accounts:
            return []
        fix = f"ALTER VIEW {name} SET (security_invoker = true)"
        return [failed(_CHECK, f"the view {name} reads with its owner's rights", fix)]
    if not relation.of_accounts:
        return []
    found = []
    if not (relation.enabled and relation.forced):
        fix = f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY; ALTER TABLE {name} FORCE ROW LEVEL SECURITY"
        found.append(failed(_CHECK, f"row-level security of {name} is off: every account is seen", fix))
    if not relation.policies:
        fix = f"CREATE POLICY app ON {name} FOR SELECT TO {APP} USING ({_VISIBLE})"
        found.append(failed(_CHECK, f"{name} has no policy for {APP}: nothing of it is seen", fix))
    if any(_SETTING not in policy for policy in relation.policies):
        fix = f"restore it: ALTER POLICY app ON {name} USING ({_VISIBLE}), and DROP POLICY any other for {APP}"
        found.append(failed(_CHECK, f"a policy of {name} lets every account be seen", fix))
    return found


async def _tried(connection: Any, scoped: Sequence[str]) -> list[Finding]:
    mark = secrets.token_hex(4)
    first, second = f"DOCTOR-A-{mark}", f"DOCTOR-B-{mark}"
    await connection.execute(
        "BEGIN; SET LOCAL lock_timeout = '1s'; SET LOCAL app.announced = 'on'; SET LOCAL ROLE ai_trader_service"
    )
    try:
        for account in (first, second):
            await connection.execute(_ACCOUNT, account)
            for fact in _FACTS:
                await connection.execute(fact, account)
        await connection.execute(f"SET LOCAL ROLE {APP}")
        found = [await _looked(connection, name, "") for name in scoped]
        for account in (first, second):
            found += [await _looked(connection, name, account) for name in scoped]
        return list(dict.fromkeys(each for each in found if each is not None))
    finally:
        await connection.execute("ROLLBACK")


async def _looked(connection: Any, name: str, account: str) -> Finding | None:
    """Look at a table as a viewer of one account, or of none, sees it."""
    await connection.fetchval(f"SELECT set_config('{_SETTING}', $1, true)", account)
    foreign = f"SELECT account_id FROM {name} WHERE account_id IS DISTINCT FROM $1 AND account_id IS NOT NULL LIMIT 1"  # noqa: S608
    if await connection.fetchval(foreign, account) is not None:
        who = "a viewer of one account sees others" if account else "a viewer of no account sees some"
        return failed(_CHECK, f"{who} in {name}", f"restore its policy: app ON {name} USING ({_VISIBLE})")
    own = f"SELECT EXISTS (SELECT FROM {name} WHERE account_id = $1)"  # noqa: S608
    if account and name in _WRITTEN and not await connection.fetchval(own, account):
        fix = f"CREATE POLICY app ON {name} FOR SELECT TO {APP} USING ({_VISIBLE})"
        return failed(_CHECK, f"an account does not see its own rows of {name}", fix)
    return None
