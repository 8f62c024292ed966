"""Headers that never end."""

import asyncio

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
