"""Many viewers of one dashboard without a browser, in a process of their own, who keep count of what they are told."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from main.monitoring.dashboards.v2.panel import panels_of
from tests.bench.viewers import connect
from tests.running import Suite, until

PROGRAM = Path(__file__).with_name("crowd_clients.py")
Wish = Mapping[str, Any]
"""What a page sends to say what it looks at."""


def looking_at(panels: Sequence[str]) -> Wish:
    """Return the wish of somebody who has chosen nothing of a view."""
    return {"type": "subscribe", "view": {}, "panels": list(panels)}


@dataclass(frozen=True, slots=True)
class Heard:
    """What one socket has heard: the version it saw last of each panel, and what came out of order, or got lost."""

    wish: int
    versions: dict[str, int]
    contents: dict[str, int]
    messages: int
    tails: int
    received_bytes: int
    wrong: list[str]


class Crowd:
    """So many sockets of each wish, or of one."""

    def __init__(self, suite: Suite, dashboard: str, wishes: Sequence[Wish], counts: Sequence[int]) -> None:
        self._wishes = list(wishes)
        task = {"port": suite.port(dashboard), "wishes": self._wishes, "counts": list(counts)}
        self._command = [sys.executable, str(PROGRAM), json.dumps(task)]
        self._suite = suite
        self._process: subprocess.Popen[bytes] | None = None

    @contextlib.contextmanager
    def watching(self, *, faithful: bool = True) -> Iterator["Crowd"]:
        """Hold the sockets; it begins when every one was told of every panel. One that is lost is an error.

        Unless they are not `faithful`: the server lets go of who answers no ping.
        """
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            until(self._answered, 60, "the viewers are answered")
            yield self
            if faithful:
                self.check()
        finally:
            self._process.communicate(timeout=20)

    def heard(self) -> list[Heard]:
        """Ask every socket what it has heard so far."""
        self._tell("tell")
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the viewers' process ended: {self._process.wait(5)}"
        return [Heard(**each) for each in orjson.loads(line)]

    def stall(self, count: int) -> None:
        """Have the first so many sockets read nothing any more."""
        self._tell(f"stall {count}")

    def check(self) -> list[Heard]:
        """Fail when a socket was lost, or was told anything out of order; return what they have heard."""
        heard = self.heard()
        wrong = [said for each in heard for said in each.wrong]
        assert not wrong, f"{len(wrong)} are wrong: {wrong[:5]}\n{self._suite.said()[-2000:]}"
        return heard

    def apart(self) -> dict[str, set[int]]:
        """The panels of which not everybody with the same wish has the same version, with those versions."""
        held: dict[tuple[int, str], set[int]] = {}
        for each in self.heard():
            for panel in self._wishes[each.wish]["panels"]:
                held.setdefault((each.wish, panel), set()).add(each.versions.get(panel, 0))
        return {panel: versions for (_, panel), versions in held.items() if len(versions) > 1}

    def _answered(self) -> bool:
        return all(set(self._wishes[each.wish]["panels"]) <= set(each.versions) for each in self.check())

    def _tell(self, command: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(command.encode() + b"\n")
        self._process.stdin.flush()


async def all_ended() -> None:
    """Wait for every other task of this loop: those of a socket end after its own."""
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}), return_exceptions=True)


async def busiest_charts(suite: Suite, dashboard: str, count: int, seconds: float) -> dict[str, list[dict[str, Any]]]:
    """Return the `count` charts that changed most often in so many seconds, each with its traces' types and points."""
    charts = [panel.name for panel in panels_of(dashboard) if panel.kind == "figure"]
    changes: Counter[str] = Counter()
    shapes: dict[str, list[dict[str, Any]]] = {}
    async with connect(suite, dashboard) as socket:
        await socket.send(json.dumps(looking_at(charts)))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                async for message in socket:
                    for panel, told in orjson.loads(message).get("panels", {}).items():
                        changes[panel] += "figure" in told or "tail" in told
                        if "figure" in told:
                            shapes[panel] = [_shape(trace) for trace in told["figure"]["data"]]
    drawn = [panel for panel, _ in changes.most_common() if shapes.get(panel)]
    return {panel: shapes[panel] for panel in drawn[:count]}


def _shape(trace: dict[str, Any]) -> dict[str, Any]:
    values = trace.get("x") or trace.get("labels") or trace.get("y") or []
    return {"type": trace.get("type", "scatter"), "points": len(values)}
