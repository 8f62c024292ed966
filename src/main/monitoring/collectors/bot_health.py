"""Is every bot well by its own word? Its health server is asked, and its newest answer is kept."""

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit

import orjson

from main.clock import now
from main.config.settings import BotSettings
from main.database.pool import Database
from main.database.query import Query
from main.domain.topics import CHANNEL, Announcement, Topic
from main.telemetry.asking import Reply, ask
from main.telemetry.services import host_name

EVERY_SECONDS = 15.0
PATIENCE_SECONDS = 2.0
AT_ONCE = 16
LONGEST_SAID = 500  # characters

State = Literal["healthy", "unhealthy", "unreachable"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a bot is asked; ``origin``: named in the settings, or told by a heartbeat of a bot of this machine."""

    account: str
    url: str
    origin: Literal["settings", "heartbeat"]


@dataclass(frozen=True, slots=True)
class BotAnswer:
    """What came of asking one bot. ``said`` is what it complains of, or why there was no answer."""

    place: Place
    state: State
    at: datetime
    status_code: int | None = None
    latency_seconds: float | None = None
    said: str | None = None


@dataclass(frozen=True, slots=True)
class KnownBot:
    """An account, and the port that its bot's newest heartbeat told; ``None`` where it is not to be asked."""

    account: str
    health_port: int | None


BOTS = Query(
    KnownBot,
    """
    SELECT a.account_id::text AS account,
           CASE WHEN b.host = $1 AND b.status NOT IN ('stopped', 'finished') THEN b.health_port END AS health_port
      FROM accounts a
      LEFT JOIN LATERAL (
            SELECT h.host, h.status, h.health_port
              FROM bot_heartbeats h
             WHERE h.account_id = a.account_id
             ORDER BY h.recorded_at DESC, h.at DESC
             LIMIT 1) b ON true
     ORDER BY a.account_id
    """,
)
_WRITE = """
    INSERT INTO bot_health AS b (account_id, url, origin, state, status_code, latency_seconds, said, since, healthy_at,
                                 at)
    SELECT a.account_id, $2, $3, $4, $5, $6, $7, $8, CASE WHEN $4::text = 'healthy' THEN $8::timestamptz END, $8
      FROM accounts a
     WHERE a.account_id = $1
        ON CONFLICT (account_id) DO UPDATE
       SET url = excluded.url, origin = excluded.origin, state = excluded.state, status_code = excluded.status_code,
           latency_seconds = excluded.latency_seconds, said = excluded.said, at = excluded.at,
           since = CASE WHEN b.state = excluded.state THEN b.since ELSE excluded.since END,
           healthy_at = coalesce(excluded.healthy_at, b.healthy_at)
"""
# A bot that said it stopped, or that the settings name no longer, has no health server to be asked.
_FORGET = "DELETE FROM bot_health WHERE account_id <> ALL ($1)"


class BotHealthCollector:
    """Asks the bots of the settings, and those of this machine whose heartbeats tell a port."""

    def __init__(self, bots: Sequence[BotSettings]) -> None:
        """Take the bots of the settings; they win over what heartbeats tell."""
        self._named = tuple(Place(each.account, _health_route(each.health_url), "settings") for each in bots)
        self._states: dict[str, str] = {}

    async def run(self, database: Database) -> str | None:
        """Ask every bot once, two seconds at most each, and write down what came; return who is not well.

        Needs the role service. Raises DatabaseUnreachable or DatabaseTimeout.
        """
        async with database.scoped() as connection:
            known = await BOTS.all(connection, host_name())
        places = self._places(known)
        found = await _ask_all(places)
        async with database.scoped() as connection:
            for each in found:
                await connection.execute(_WRITE, *_row(each))
            await connection.execute(_FORGET, [each.account for each in places])
            states = {each.place.account: each.state for each in found}
            if states != self._states:
                await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, Announcement(Topic.PIPELINES).payload)
        self._states = dict(states)
        unknown = sorted({each.account for each in self._named} - {each.account for each in known})
        parts = [f"{each.place.account} {each.state}" for each in found if each.state != "healthy"]
        parts += [f"{account} of the settings is no account yet" for account in unknown]
        return ", ".join(parts) or None

    def _places(self, known: Sequence[KnownBot]) -> tuple[Place, ...]:
        accounts = {each.account for each in known}
        named = {each.account: each for each in self._named if each.account in accounts}
        told = {
            each.account: Place(each.account, f"http://127.0.0.1:{each.health_port}/health", "heartbeat")
            for each in known
            if each.health_port
        }
        return tuple((told | named).values())


async def asked(place: Place, within: float = PATIENCE_SECONDS) -> BotAnswer:
    """Return what a bot answers, or that it does not; never raises."""
    at, parts = now(), urlsplit(place.url)
    nothing = BotAnswer(place, "unreachable", at)
    tls = ssl.create_default_context() if parts.scheme == "https" else None
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        reply = await ask(parts.hostname or "", parts.port or (443 if tls else 80), path, within=within, tls=tls)
    except TimeoutError:
        return replace(nothing, said=f"no answer within {within:g} s")
    except (OSError, ValueError) as error:  # a name that is none, a refusal, no HTTP, a certificate
        return replace(nothing, said=_plain(str(error) or type(error).__name__))
    state: State = "healthy" if reply.status == 200 else "unhealthy"
    said = None if state == "healthy" else _complaint(reply)
    return BotAnswer(place, state, at, reply.status, reply.seconds, said)


async def _ask_all(places: Sequence[Place]) -> list[BotAnswer]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(place: Place) -> BotAnswer:
        async with gate:
            return await asked(place)

    return list(await asyncio.gather(*(one(place) for place in places)))


def _row(answer: BotAnswer) -> tuple[Any, ...]:
    place = answer.place
    head = (place.account, place.url, place.origin, answer.state)
    return (*head, answer.status_code, answer.latency_seconds, answer.said, answer.at)


def _health_route(url: str) -> str:
    return url if urlsplit(url).path.strip("/") else f"{url.rstrip('/')}/health"


def _complaint(reply: Reply) -> str:
    """Return what an answer complains of: its failed checks where it has the form of ours, else how it begins."""
    try:
        checks = orjson.loads(reply.body)["checks"]
        said = "; ".join(f"{each['name']}: {each['detail']}" for each in checks if each["state"] != "ok")
    except (ValueError, KeyError, TypeError):
        said = reply.body[:LONGEST_SAID].decode("utf-8", "replace")
    return _plain(said) or f"it answers {reply.status}"


def _plain(said: str) -> str:
    return "".join(each if each.isprintable() else " " for each in said)[:LONGEST_SAID].strip()
