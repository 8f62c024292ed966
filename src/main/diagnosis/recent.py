"""What went wrong lately: events the database refused, jobs that fail, bots that are silent?"""

from datetime import datetime

from main.database.pulse import SILENT_INTERVALS, Heart, pulse
from main.diagnosis.asking import reading
from main.diagnosis.finding import Finding, passed, skipped, warned
from main.diagnosis.situation import Situation

_LATE_SECONDS = 60.0

_LETTERS = """
    SELECT count(*) AS letters, count(DISTINCT table_name) AS tables,
           (array_agg(table_name || ': ' || reason ORDER BY recorded_at DESC))[1] AS newest
      FROM dead_letters
     WHERE recorded_at > clock_timestamp() - interval '24 hours'
"""
_JOBS = """
    SELECT job, state, last_error, failures, extract(epoch FROM clock_timestamp() - recorded_at)::float8 AS age_seconds
      FROM worker_jobs
     ORDER BY job
"""
_ACCOUNTS = "SELECT account_id FROM accounts ORDER BY account_id"


async def dead_letters(situation: Situation) -> list[Finding]:
    """Count the events that could not be stored in the last 24 hours."""
    async with reading(situation.direct) as connection:
        row = await connection.fetchrow(_LETTERS)
    if not row["letters"]:
        return [passed("dead letters", "none in the last 24 hours")]
    seen = f"{row['letters']:,} events refused in 24 hours, {row['tables']} tables; newest: {row['newest']}"
    return [warned("dead letters", seen, "correct what the bot sends; whole events: SELECT * FROM dead_letters")]


async def jobs(situation: Situation) -> list[Finding]:
    """Name the worker's jobs that fail, by what it wrote down last."""
    async with reading(situation.direct) as connection:
        rows = await connection.fetch(_JOBS)
    if not rows:
        return [skipped("worker's jobs", "no worker has worked here yet", "ai_trader.py dashboards start")]
    newest = min(row["age_seconds"] for row in rows)
    if newest > _LATE_SECONDS:
        seen = f"no worker has told of them for {newest:,.0f} s: nothing is collected, rolled up or purged"
        return [warned("worker's jobs", seen, "ai_trader.py dashboards start, or: ai_trader.py worker")]
    failing = [row for row in rows if row["state"] == "failing"]
    if not failing:
        return [passed("worker's jobs", f"{len(rows)} jobs, none failing")]
    fix = "mend what it names; see logs/dashboards/worker.log"
    return [
        warned(f"job {row['job']}", f"fails ({row['failures']} times so far): {row['last_error']}", fix)
        for row in failing
    ]


async def heartbeats(situation: Situation) -> list[Finding]:
    """Tell of each account's bot whether it is heard."""
    async with reading(situation.direct) as connection:
        accounts = [row[0] for row in await connection.fetch(_ACCOUNTS)]
        beats = await pulse(connection, accounts)
    if not accounts:
        return [skipped("bots", "no bot has recorded anything yet", "ai_trader.py trade --enable-monitoring")]
    return [_bot(heart, beats.now) for heart in sorted(beats.hearts, key=lambda heart: heart.account or "")]


def _bot(heart: Heart, present: datetime) -> Finding:
    if heart.recorded_at is None:
        return skipped("bots", f"{heart.account}: never heard of")
    age = (present - heart.recorded_at).total_seconds()
    told = f"{heart.account}: {heart.status}, heard {age:,.0f} s ago"
    if heart.status in ("stopped", "finished"):
        return skipped("bots", told)
    if heart.interval_seconds is not None and age > SILENT_INTERVALS * heart.interval_seconds:
        fix = "start it again: ai_trader.py trade --enable-monitoring, or see why it is silent in its output"
        return warned("bots", f"{told}: silent", fix)
    if heart.status == "error":
        return warned("bots", told, f"see its errors: ai_trader.py show activity --account {heart.account}")
    return passed("bots", told)


async def audit(_: Situation) -> list[Finding]:
    """Say that there is nothing to verify yet."""
    return [skipped("audit chain", "not kept yet: users come later")]
