"""Health servers of bots are asked, and what they answer, or that they do not, is on record."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from main.clock import now
from main.config.settings import BotSettings
from main.database.pool import Database
from main.monitoring.collectors.bot_health import BotHealthCollector, Place, asked
from main.monitoring.reads import bot_health
from main.telemetry.services import host_name
from tests.given import asked as read_asked
from tests.given import given_account, given_heartbeat, live, past

HEALTHY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
COMPLAINT = (
    b'{"checks": [{"name": "loop", "state": "failed", "detail": "no tick for 20 s"},'
    b' {"name": "database", "state": "ok", "detail": ""}]}'
)


class Answering(asyncio.Protocol):
    """Gives everybody one answer, or none at all."""

    def __init__(self, answer: bytes | None, open_: set[asyncio.Transport]) -> None:
        self.answer = answer
        self.open = open_

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.open.add(transport)

    def data_received(self, data: bytes) -> None:
        if self.answer is not None:
            self.transport.write(self.answer)
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.open.discard(self.transport)


@asynccontextmanager
async def answering(answer: bytes | None) -> AsyncIterator[int]:
    """A server on a port of its own; yields the port."""
    open_: set[asyncio.Transport] = set()
    server = await asyncio.get_running_loop().create_server(lambda: Answering(answer, open_), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        for each in tuple(open_):
            each.abort()
        while open_:
            await asyncio.sleep(0)


def refusal(body: bytes) -> bytes:
    return b"HTTP/1.1 503 Service Unavailable\r\n\r\n" + body


async def test_a_bot_of_the_settings_and_one_that_told_its_port_are_asked(
    service: Database, database: Database
) -> None:
    for account in ("named", "told", "elsewhere", "stopped"):
        await given_account(service, account)
    async with answering(HEALTHY) as well, answering(refusal(COMPLAINT)) as ill:
        here = {"recorded_at": now(), "health_port": ill, "host": host_name()}
        await given_heartbeat(service, now(), "told", **here)
        await given_heartbeat(service, now(), "elsewhere", **here | {"host": "another"})
        await given_heartbeat(service, now(), "stopped", **here | {"status": "stopped"})
        named = BotSettings(account="named", health_url=f"http://127.0.0.1:{well}")
        stranger = BotSettings(account="stranger", health_url=f"http://127.0.0.1:{well}")
        said = await BotHealthCollector([named, stranger]).run(database=service)
    assert said == "told unhealthy, stranger of the settings is no account yet"
    rows = await read_asked(database, bot_health.READ, live("named", "told", "elsewhere", "stopped", moment=now()))
    assert [(row.account, row.condition, row.status_code, row.said, row.origin) for row in rows] == [
        ("named", "ok", 200, None, "settings"),
        ("told", "degraded", 503, "loop: no tick for 20 s", "heartbeat"),
    ]
    assert rows[0].url == f"http://127.0.0.1:{well}/health"
    assert 0 < (rows[0].latency_seconds or 0) < 2
    assert await read_asked(database, bot_health.READ, past(now() - timedelta(hours=1), "named", "told")) == []


async def test_a_bot_that_is_gone_is_down_since_it_went_and_forgotten_once_it_says_that_it_stopped(
    service: Database, database: Database
) -> None:
    await given_account(service)
    scope = live(moment=now())
    async with answering(HEALTHY) as port:
        await given_heartbeat(service, now(), recorded_at=now(), health_port=port, host=host_name())
        collector = BotHealthCollector([])
        assert await collector.run(service) is None
        (well,) = await read_asked(database, bot_health.READ, scope)
    assert await collector.run(service) == "A unreachable"
    (gone,) = await read_asked(database, bot_health.READ, scope)
    assert (gone.condition, gone.status_code, gone.latency_seconds) == ("down", None, None)
    assert gone.since > well.since
    assert gone.healthy_at == well.healthy_at
    await given_heartbeat(service, now(), recorded_at=now(), status="stopped", host=host_name())
    assert await collector.run(service) is None
    assert await read_asked(database, bot_health.READ, scope) == []


@pytest.mark.parametrize(
    ("answer", "state", "said"),
    [
        (None, "unreachable", "no answer within 0.2 s"),
        (b"nonsense\r\n\r\n", "unreachable", "does not speak HTTP"),
        (refusal(b"<img onerror=alert(1)>\x1b[31m" + b"x" * 1000), "unhealthy", "<img onerror=alert(1)> [31mxxx"),
        (refusal(b""), "unhealthy", "it answers 503"),
        (refusal(b'{"checks": "many"}'), "unhealthy", '{"checks": "many"}'),
    ],
    ids=["hangs", "no HTTP", "hostile", "empty", "another form"],
)
async def test_whatever_is_answered_becomes_plain_words(answer: bytes | None, state: str, said: str) -> None:
    async with answering(answer) as port:
        found = await asked(Place("A", f"http://127.0.0.1:{port}/health", "settings"), within=0.2)
    assert found.state == state
    assert said in (found.said or "")
    assert len(found.said or "") <= 500


async def test_a_host_that_is_none_is_unreachable() -> None:
    found = await asked(Place("A", "http://no-such-host.invalid:1/health", "settings"))
    assert found.state == "unreachable"
    assert found.said
