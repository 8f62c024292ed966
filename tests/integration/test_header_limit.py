"""Headers that never end."""

import asyncio

import pytest

from main.telemetry import bounded_http
from main.telemetry.probes import ProbeApp
from main.telemetry.server import ProbeServer
from tests.running import free_ports


async def test_a_request_whose_headers_never_end_is_cut_off_and_an_ordinary_one_is_answered() -> None:
    (port,) = free_ports(1)
    server = ProbeServer(ProbeApp("service", tuple), "127.0.0.1", port)
    await server.start()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"200" in await reader.readline()
            while (await reader.readline()).strip():
                pass
            await reader.readexactly(len(b'{"service":"service","state":"alive"}'))
        writer.write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"a" * 200_000)
        async with asyncio.timeout(5):
            assert b"431" in await reader.readline()
        writer.close()
    finally:
        await server.stop()


@pytest.mark.parametrize("said", [b"", b"GET /livez HTTP/1.1\r\nHost: local"])
async def test_who_connects_and_does_not_finish_its_headers_is_not_waited_for(
    said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_http, "HEAD_SECONDS", 0.3)
    (port,) = free_ports(1)
    server = ProbeServer(ProbeApp("service", tuple), "127.0.0.1", port)
    await server.start()
    try:
        silent, first = await asyncio.open_connection("127.0.0.1", port)
        first.write(said)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200" in await reader.readline()
        async with asyncio.timeout(5):
            assert await silent.read() == b""  # closed
        writer.write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")  # kept alive meanwhile
        async with asyncio.timeout(5):
            assert (await reader.read()).count(b"200 OK") == 1
        first.close()
        writer.close()
    finally:
        await server.stop()
