"""A tiny real service that the manager's tests run: answers probes, obeys SIGTERM, and misbehaves on request."""

import argparse
import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from main.telemetry.orphans import die_with_parent

STUBBORN = "import signal, time; [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 15)]; time.sleep(600)"
"""What heeds nothing but SIGKILL."""


class Service:
    """Answers /livez with 200, and /health and /status with what is in the folder of answers, if anything is."""

    def __init__(self, answers: str, mute: str) -> None:
        self._answers = answers
        self._mute = mute

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
        if path == self._mute:
            await asyncio.sleep(600)
        body = self._body(path)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()

    def _body(self, path: str) -> bytes:
        if self._answers and path != "/livez":
            with contextlib.suppress(FileNotFoundError):
                return Path(self._answers, path.strip("/")).read_bytes()
        return b"ok"


async def serve(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    handler = stop.set if not options.deaf else lambda: None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, handler)
    server = await asyncio.start_server(Service(options.answers, options.mute).answer, "127.0.0.1", options.port)
    with contextlib.suppress(OSError):
        os.write(1, f"listening, password={os.environ.get('CANARY', '')}\n".encode())
    await stop.wait()
    server.close()


def flood(line: bytes) -> None:
    """Write to standard error as fast as it is taken, for ever."""
    while True:
        os.write(2, line)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--exit", type=int)
    parser.add_argument("--complain", default="")
    parser.add_argument("--grandchild", action="store_true")
    parser.add_argument("--stray", action="store_true", help="a grandchild in a session of its own")
    parser.add_argument("--stop-at-start", default="", help="stop ourselves before we watch our parent; once a file")
    parser.add_argument("--flood", default="", help="words, or line: one as long and as dotted as can be")
    parser.add_argument("--close-pipes", action="store_true")
    parser.add_argument("--deaf", action="store_true", help="take SIGTERM and go on")
    parser.add_argument("--answers", default="", help="a folder of what /health and /status answer")
    parser.add_argument("--mute", default="", help="a path that is never answered")
    parser.add_argument("--mark", default="")  # in the command line of us and our child, so that tests find both
    options = parser.parse_args()
    if options.stop_at_start and not Path(options.stop_at_start).exists():
        Path(options.stop_at_start).touch()
        os.kill(os.getpid(), signal.SIGSTOP)
    die_with_parent()
    if options.complain:
        os.write(2, options.complain.encode().decode("unicode_escape").encode() + b"\n")
    if options.exit is not None:
        return int(options.exit)
    for own_session in [False] * options.grandchild + [True] * options.stray:
        subprocess.Popen([sys.executable, "-c", STUBBORN, options.mark], start_new_session=own_session)
    if options.flood:
        line = b"a." * 40_000 + b"\n" if options.flood == "line" else b"the same words again and again\n" * 200
        threading.Thread(target=flood, args=(line,), daemon=True).start()
    if options.close_pipes:
        time.sleep(0.1)
        os.close(1)
        os.close(2)
    asyncio.run(serve(options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
