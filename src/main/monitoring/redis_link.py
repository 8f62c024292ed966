"""Does Redis answer, and how is nobody kept waiting when it does not? One connection pool, and a fuse."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from redis.asyncio import Redis

TIMEOUT_SECONDS = 0.25
RETRY_SECONDS = 5.0
"""So long Redis is left alone once it did not answer."""
CONNECTIONS = 16

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class LinkStatus:
    """Whether Redis answers, ``None`` before it was asked; and why not."""

    reachable: bool | None = None
    reason: str = ""


class RedisLink:
    """Runs scripts. The library is loaded with the first of them."""

    def __init__(self, url: str, on_lost: Callable[[], None]) -> None:
        """Take the address, and who is told every time that Redis does not answer."""
        self.status = LinkStatus()
        self._url = url
        self._on_lost = on_lost
        self._redis: Redis | None = None
        self._away_until = 0.0

    @property
    def away(self) -> bool:
        """Whether Redis is being left alone."""
        return time.monotonic() < self._away_until

    async def script(self, script: str, keys: tuple[str, ...], arguments: tuple[Any, ...]) -> Any:
        """Return what a script gives, at most a quarter of a second later; ``None`` while Redis is away."""
        if self.away:
            return None
        from redis.exceptions import RedisError

        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                said = await self._client().eval(script, len(keys), *keys, *arguments)
        except (RedisError, OSError, TimeoutError, ValueError) as error:
            self._lost(error)
            return None
        if self.status.reachable is not True:
            _log.info("redis reached")
        self.status = LinkStatus(True)
        return said

    async def close(self) -> None:
        """Let go of the connections."""
        if self._redis is not None:
            await self._redis.aclose()
            self._redis = None

    def _lost(self, error: Exception) -> None:
        reason = str(error) or f"no answer within {TIMEOUT_SECONDS:g} s"
        self._away_until = time.monotonic() + RETRY_SECONDS
        if self.status.reachable is not False:
            _log.warning("redis away: every replica asks the database itself", reason=reason)
        self.status = LinkStatus(False, reason)
        self._on_lost()

    def _client(self) -> "Redis":
        if self._redis is None:
            from redis.asyncio import Redis
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff

            self._redis = Redis.from_url(
                self._url,
                socket_timeout=TIMEOUT_SECONDS,
                socket_connect_timeout=TIMEOUT_SECONDS,
                retry=Retry(NoBackoff(), 0),
                max_connections=CONNECTIONS,
            )
        return self._redis
