"""A question to a service is bounded in time and size, and nonsense is no news."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from main.monitoring.dashboards.v2.child import ServiceCommand
from main.monitoring.dashboards.v2.probe import ask
from main.monitoring.dashboards.v2.service_reports import ServiceReport, ServiceReports

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[ServiceCommand]:
    """Run a server that answers every request with `answer`."""
    connections: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answer(writer)
        finally:
            writer.transport.abort() if answer in (drip, pour) else writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(asyncio.ensure_future(talk(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield ServiceCommand("s", "dashboard", (), "127.0.0.1", server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


def body(text: bytes) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + text)
        await writer.drain()

    return answer


async def drip(writer: asyncio.StreamWriter) -> None:
    """Answer byte by byte: no single wait is long, the whole never ends."""
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x")
        await asyncio.sleep(0.01)


async def pour(writer: asyncio.StreamWriter) -> None:
    """Answer without end."""
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x" * 100_000)
        await writer.drain()


@pytest.mark.promise(3)
async def test_a_probe_ends_in_time_however_slowly_the_answer_drips() -> None:
    async with serving(drip) as service:
        with pytest.raises(TimeoutError):
            await ask(service.host, service.port, "/livez", within=0.2)


async def test_a_probe_takes_no_answer_without_end() -> None:
    async with serving(pour) as service:
        with pytest.raises(OSError, match="more than 4000000 bytes"):
            await ask(service.host, service.port, "/livez", within=20)


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"[]", b"null", b"ok", b"\0", b'{"state": 7}'),
        b'{"state": "degraded", "checks": 7, "viewers": "many"}',
        b'{"viewers": -1, "push_seconds": [], "questions": 7}',
        b'{"viewers": 1e99, "push_seconds": {"p50": "NaN"}}',
        b'{"viewers": true, "push_seconds": {"p50": -1, "p95": true}, "questions": {"answered": 99999999999999999999}}',
    ],
)
async def test_nonsense_is_no_news(text: bytes) -> None:
    async with serving(body(text)) as service:
        reports = ServiceReports(lambda: None)
        await reports.ask_all({service: 1})
        degraded = "not ready: degraded" if b'"degraded"' in text else None
        assert reports.of("s", 1) == ServiceReport(1, degraded_reason=degraded)


async def test_what_a_former_process_said_is_not_the_words_of_the_present_one() -> None:
    changes: list[None] = []
    async with serving(body(b'{"state": "degraded", "checks": [{"detail": "cold"}], "viewers": 2}')) as service:
        reports = ServiceReports(lambda: changes.append(None))
        await reports.ask_all({service: 1})
        assert reports.of("s", 1) == ServiceReport(1, degraded_reason="cold", viewers=2)
        assert reports.of("s", 2) is None
        await reports.ask_all({service: 1})
        assert len(changes) == 1
        await reports.ask_all({})
        assert reports.of("s", 1) is None
