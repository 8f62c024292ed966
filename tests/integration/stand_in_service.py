"""A tiny real service that the manager's tests run: answers /livez, obeys SIGTERM, and misbehaves on request."""

import argparse
import asyncio
import os
import signal
import subprocess
import sys

from main.telemetry.orphans import die_with_parent


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    await writer.drain()
    writer.close()


async def serve(port: int) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncio.start_server(answer, "127.0.0.1", port)
    os.write(1, f"listening, password={os.environ.get('CANARY', '')}\n".encode())
    await stop.wait()
    server.close()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--exit", type=int)
    parser.add_argument("--complain", default="")
    parser.add_argument("--grandchild", action="store_true")
    parser.add_argument("--mark", default="")  # in the command line of us and our child, so that tests find both
    options = parser.parse_args()
    die_with_parent()
    if options.complain:
        os.write(2, f"{options.complain}\n".encode())
    if options.exit is not None:
        return int(options.exit)
    if options.grandchild:  # one that heeds nothing but SIGKILL
        stubborn = "import signal, time; [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 15)]; time.sleep(600)"
        subprocess.Popen([sys.executable, "-c", stubborn, options.mark])
    asyncio.run(serve(options.port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
