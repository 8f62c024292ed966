"""Does LISTEN hear what NOTIFY says? Without it pages learn of a change only every 15 seconds."""

import asyncio
import secrets
import time

from main.diagnosis.asking import asking
from main.diagnosis.finding import Finding, failed, passed
from main.diagnosis.situation import Situation
from main.text import latency

ECHO_SECONDS = 3.0
_PAST = "set DATABASE_DIRECT_URL to PostgreSQL itself, past the pooler"


async def notifications(situation: Situation) -> list[Finding]:
    """Send a notification by the way that listeners take, and wait for its echo on the same connection."""
    heard = asyncio.Event()
    channel = f"ai_trader_doctor_{secrets.token_hex(6)}"
    async with asking(situation.direct) as connection:
        await connection.add_listener(channel, lambda *_: heard.set())
        # A pooler answers the login with a number of its own.
        pooler = connection.get_server_pid() != await connection.fetchval("SELECT pg_backend_pid()")
        began = time.perf_counter()
        await connection.execute("SELECT pg_notify($1, '')", channel)
        try:
            await asyncio.wait_for(heard.wait(), ECHO_SECONDS)
        except TimeoutError:
            between = "a pooler in transaction mode swallows it" if pooler else "something between swallows it"
            return [failed("notifications", f"no echo of NOTIFY in {ECHO_SECONDS:g} s: {between}", _PAST)]
    through = ", through a pooler" if pooler else ""
    return [passed("notifications", f"heard after {latency(time.perf_counter() - began)}{through}")]
