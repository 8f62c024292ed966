"""Many viewers of one dashboard without a browser, who keep count of what they are told."""

import asyncio
import contextlib
import json
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from main.monitoring.dashboards.v2.panel import panels_of
from tests.bench.viewers import connect
from tests.running import Suite, until


@dataclass
class Listener:
    """One socket: the version it saw last of each panel, and whether any came out of order."""

    versions: dict[str, int] = field(default_factory=dict)
    contents: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    tails: int = 0
    received_bytes: int = 0
    disorder: list[str] = field(default_factory=list)

    def hear(self, message: str) -> None:
        """Take note of a message. A version may be left out (the newest is told, not all), but never go back."""
        self.messages += 1
        self.received_bytes += len(message)
        told = orjson.loads(message)
        if told["type"] != "update":
            return
        for panel, news in told["panels"].items():
            before = self.versions.get(panel, 0)
            if news["version"] < before:
                self.disorder.append(f"{panel}: {before}, then {news['version']}")
            if "tail" in news and news["from"] != before:
                self.disorder.append(f"{panel}: {before}, then a tail of {news['from']}")
            self.versions[panel] = news["version"]
            self.contents[panel] += news["version"] > before
            self.tails += "tail" in news


class Crowd:
    """Sockets that look at the same panels, in a thread of their own."""

    def __init__(self, suite: Suite, dashboard: str, panels: Sequence[str], count: int) -> None:
        self.listeners = [Listener() for _ in range(count)]
        self._wish = json.dumps({"type": "subscribe", "view": {}, "panels": list(panels)})
        self._panels = set(panels)
        self._suite, self._dashboard = suite, dashboard
        self._tasks: list[Any] = []

    @contextlib.contextmanager
    def watching(self) -> Iterator["Crowd"]:
        """Hold the sockets; it begins when every one was told of every panel. One that is lost is an error."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        self._tasks = [asyncio.run_coroutine_threadsafe(self._listen(each), loop) for each in self.listeners]
        try:
            until(self._answered, 60, f"{len(self._tasks)} viewers are answered")
            yield self
            self.check()
        finally:
            for task in self._tasks:
                task.cancel()
            asyncio.run_coroutine_threadsafe(all_ended(), loop).result(60)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(5)
            loop.close()

    def check(self) -> None:
        """Fail when a socket was lost."""
        for task in self._tasks:
            assert not task.done(), f"a viewer was lost: {task.exception()}\n{self._suite.said()[-2000:]}"

    @property
    def disorder(self) -> list[str]:
        return [said for each in self.listeners for said in each.disorder]

    @property
    def apart(self) -> dict[str, set[int]]:
        """The panels of which not every viewer has the same version, with those versions."""
        held = {panel: {each.versions.get(panel, 0) for each in self.listeners} for panel in self._panels}
        return {panel: versions for panel, versions in held.items() if len(versions) > 1}

    def _answered(self) -> bool:
        self.check()
        return all(self._panels <= set(each.versions) for each in self.listeners)

    async def _listen(self, listener: Listener) -> None:
        async with connect(self._suite, self._dashboard) as socket:
            await socket.send(self._wish)
            async for message in socket:
                listener.hear(message)


async def all_ended() -> None:
    """Wait for every other task of this loop: those of a socket end after its own."""
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}), return_exceptions=True)


async def busiest_charts(suite: Suite, dashboard: str, count: int, seconds: float) -> dict[str, list[dict[str, Any]]]:
    """Return the `count` charts that changed most often in so many seconds, each with its traces' types and points."""
    charts = [panel.name for panel in panels_of(dashboard) if panel.kind == "figure"]
    changes: Counter[str] = Counter()
    shapes: dict[str, list[dict[str, Any]]] = {}
    async with connect(suite, dashboard) as socket:
        await socket.send(json.dumps({"type": "subscribe", "view": {}, "panels": charts}))
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
