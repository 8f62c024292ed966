"""A page whose network is gone, so that it neither reads nor answers nor closes, gives its seat back soon."""

import asyncio
import socket

import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from main.monitoring.api.wire import FramedWebSocket, Line, Message

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


async def test_a_page_that_answers_no_ping_is_given_up_though_there_is_more_to_be_sent_to_it() -> None:
    loop = asyncio.get_running_loop()
    stuck, left = asyncio.Event(), loop.create_future()

    async def endpoint(page: WebSocket) -> None:
        await page.accept()
        line = Line(page)
        while line.ready:
            await line.send(Message(b"x" * 100_000))
        stuck.set()
        try:
            await line.drained()
        except WebSocketDisconnect as end:
            left.set_result(end.code)

    application = Starlette(routes=[WebSocketRoute("/ws", endpoint)])
    config = uvicorn.Config(
        application, port=0, log_level="error", ws=FramedWebSocket, ws_ping_interval=0.3, ws_ping_timeout=0.3
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.connect(server.servers[0].sockets[0].getsockname())
        raw.setblocking(False)
        await loop.sock_sendall(raw, HANDSHAKE)
        async with asyncio.timeout(20):
            await stuck.wait()
            assert await left == 1006
            while server.server_state.connections:
                await asyncio.sleep(0.01)
    server.should_exit = True
    await serving
