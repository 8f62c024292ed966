"""Do this machine, the bots and the database agree on what time it is? Ages and trading days depend on it."""

import asyncio

from main.diagnosis.asking import asking, reading
from main.diagnosis.finding import Finding, failed, passed, skipped, warned
from main.diagnosis.situation import Situation

WARN_SECONDS, FAIL_SECONDS = 2.0, 60.0
"""Beyond the first, ages on the screen are visibly wrong; beyond the second, figures fall into the wrong day."""

_SAMPLES = 5
_SYNC = "synchronise the clocks: timedatectl set-ntp true"
# The least of the last heartbeats: one that waited for the database is late for that.
_BOTS = """
    SELECT a.account_id AS account, min(extract(epoch FROM h.recorded_at - h.at))::float8 AS behind
      FROM accounts AS a
     CROSS JOIN LATERAL (SELECT at, recorded_at
                           FROM bot_heartbeats AS b
                          WHERE b.account_id = a.account_id AND b.recorded_at > clock_timestamp() - interval '1 hour'
                          ORDER BY b.recorded_at DESC
                          LIMIT 20) AS h
     WHERE a.clock = 'wall'
     GROUP BY a.account_id
     ORDER BY a.account_id
"""


async def this_machine(situation: Situation) -> list[Finding]:
    """Compare this machine's clock with the database's, by the answer that took the least time."""
    loop = asyncio.get_running_loop()
    best = float("inf"), 0.0
    async with asking(situation.direct) as connection:
        for _ in range(_SAMPLES):
            asked, before = loop.time(), situation.clock()
            answered = await connection.fetchval("SELECT clock_timestamp()")
            took = loop.time() - asked
            best = min(best, (took, (before - answered).total_seconds() + took / 2))
    return [_judged("clock", "this machine", best[1], within=best[0] / 2)]


async def bots(situation: Situation) -> list[Finding]:
    """Compare the bots' clocks with the database's, by their heartbeats of the last hour."""
    async with reading(situation.direct) as connection:
        rows = await connection.fetch(_BOTS)
    if not rows:
        return [skipped("bots' clocks", "no bot was heard in the last hour")]
    return [_judged("bots' clocks", f"the bot of {row['account']}", -row["behind"], within=0.0) for row in rows]


def _judged(check: str, whose: str, ahead: float, within: float) -> Finding:
    """Judge how far a clock is `ahead` of the database's (negative: behind), known to `within` seconds."""
    direction = "ahead of" if ahead > 0 else "behind"
    seen = f"{whose} is {abs(ahead):.3f} s {direction} the database" + (f" (±{within:.3f} s)" if within else "")
    if abs(ahead) - within > FAIL_SECONDS:
        return failed(check, seen, _SYNC)
    if abs(ahead) - within > WARN_SECONDS:
        return warned(check, seen, _SYNC)
    return passed(check, seen)
