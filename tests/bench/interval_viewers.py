"""Viewers of a plain Dash page without a browser: each asks every callback once an interval, as its page would."""

import asyncio
import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from main.database.address import Address
from tests.bench.crowd import all_ended
from tests.bench.suite import Group
from tests.running import fetch, free_ports, until

PROGRAM = Path(__file__).with_name("interval_dash.py")


@dataclass
class IntervalDash:
    """The server, its process, and how many answers its viewers had."""

    port: int
    process: Group
    charts: tuple[str, ...]
    answers: int = 0
    received_bytes: int = 0

    @contextlib.contextmanager
    def watched(self, count: int, interval_seconds: float = 1.0) -> Iterator[None]:
        """Have `count` viewers ask, from a thread of their own; one that is refused is an error."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        tasks = [
            asyncio.run_coroutine_threadsafe(self._view(number / count * interval_seconds, interval_seconds), loop)
            for number in range(count)
        ]
        try:
            yield
            for task in tasks:
                assert not task.done(), f"a viewer was lost: {task.exception()}"
        finally:
            for task in tasks:
                task.cancel()
            asyncio.run_coroutine_threadsafe(all_ended(), loop).result(60)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(5)
            loop.close()

    async def _view(self, delay: float, interval: float) -> None:
        await asyncio.sleep(delay)
        passed = 0
        while True:
            began = time.monotonic()
            passed += 1
            await asyncio.gather(*(self._ask(name, passed) for name in self.charts))
            await asyncio.sleep(max(0.0, interval - (time.monotonic() - began)))

    async def _ask(self, name: str, passed: int) -> None:
        body = json.dumps(
            {
                "output": f"{name}.figure",
                "outputs": {"id": name, "property": "figure"},
                "inputs": [{"id": "interval", "property": "n_intervals", "value": passed}],
                "changedPropIds": ["interval.n_intervals"],
            }
        )
        head = f"POST /_dash-update-component HTTP/1.1\r\nHost: localhost:{self.port}\r\nConnection: close\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write((head + body).encode())
        answer = await asyncio.wait_for(reader.read(), 30)
        writer.close()
        assert b" 200 " in answer[:20], answer[:500]
        self.answers += 1
        self.received_bytes += len(answer)


@contextlib.contextmanager
def interval_dash(folder: Path, charts: dict[str, list[dict[str, Any]]], address: Address) -> Iterator[IntervalDash]:
    """The page in a process of its own."""
    port = free_ports(1)[0]
    arguments = {key: value for key, value in address.connect_arguments().items() if _plain(value)}
    command = [sys.executable, str(PROGRAM), "--port", str(port), "--charts", json.dumps(charts)]
    with (folder / "interval_dash.txt").open("w") as output:
        process = subprocess.Popen([*command, "--database", json.dumps(arguments)], stdout=output, stderr=output)
    try:
        until(lambda: fetch(f"http://127.0.0.1:{port}/")[0] == 200, 30, "the baseline answers")
        yield IntervalDash(port, Group(process.pid), tuple(charts))
    except AssertionError as error:
        raise AssertionError(f"{error}\n{(folder / 'interval_dash.txt').read_text()[-2000:]}") from None
    finally:
        process.terminate()
        process.wait(10)


def _plain(value: object) -> bool:
    return value is None or isinstance(value, (str, int, float, bool))
