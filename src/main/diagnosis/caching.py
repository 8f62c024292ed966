"""Does the Redis that replicas share answers over answer, and is it such that they can trust it?"""

from typing import Any

from main.clock import monotonic
from main.diagnosis.finding import Finding, passed, skipped, warned
from main.diagnosis.situation import Situation
from main.text import latency

SECONDS = 2.0
_AWAY = "start it, correct REDIS_URL, or leave REDIS_URL out: then every replica asks the database itself"
_KEY = "set the same SECRET_KEY for every replica: with keys of their own they share nothing"


async def redis(situation: Situation) -> list[Finding]:
    """Ask it for a script's answer, as the dashboards do."""
    address = situation.known.redis_url
    if address is None:
        return [skipped("redis", "REDIS_URL is not set: nothing is shared, which one replica has no need of")]
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff
    from redis.exceptions import RedisError

    once = Retry(NoBackoff(), 0)
    url = address.get_secret_value()
    try:
        client = Redis.from_url(url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS, retry=once)
    except ValueError as error:
        return [warned("redis", str(error), "correct REDIS_URL, such as redis://host:6379/0")]
    try:
        found = await _asked(client)
    except (RedisError, OSError) as error:
        return [warned("redis", f"it does not answer: {error}", _AWAY)]
    finally:
        await client.aclose()
    if situation.known.secret_key is None:
        return [warned("redis", f"{found}; SECRET_KEY is not set", _KEY)]
    return [passed("redis", found)]


async def _asked(client: Any) -> str:
    await client.ping()  # the connection is made with the first of them
    began = monotonic()
    await client.eval("return {redis.call('PING')}", 0)
    took = monotonic() - began
    server = await client.info("server")
    return f"version {server.get('redis_version', 'unknown')}, answers in {latency(took)}"
