"""How much may a client send before it has finished its headers? (uvicorn's httptools takes them without end.)"""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD = 64 * 1024
"""Bytes; twice what the guard takes, so that whoever sends a little too much is told so in our own words."""

_ANSWER = b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's protocol, which closes a connection whose headers do not end within `LARGEST_HEAD` bytes."""

    _head_bytes = 0
    _in_head = True

    def data_received(self, data: bytes) -> None:
        """Take what came in."""
        super().data_received(data)
        # Counted afterwards: one piece may hold the end of the headers and much of the body.
        self._head_bytes = self._head_bytes + len(data) if self._in_head else 0
        if self._head_bytes > LARGEST_HEAD and not self.transport.is_closing():
            self.transport.write(_ANSWER)
            self.transport.close()

    def on_headers_complete(self) -> None:
        """Note that the headers are through."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that the next request may begin."""
        self._in_head, self._head_bytes = True, 0
        super().on_message_complete()
