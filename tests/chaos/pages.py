"""What do those see who look at the dashboards? Sockets as pages hold them, subscribed to every panel of every page."""

import asyncio
import json
import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
import websockets
from websockets.typing import Origin

from main.monitoring.dashboards.v2.panel import panels_of
from tests.chaos.complaints import Complaints
from tests.chaos.suite import Stressed

SHORTEST, LONGEST = 0.5, 5.0  # socket.js: how a page comes back
SKEW = 1.0  # what an answer takes from the database to here, at most, when nothing is wrong
SWEEP = 17.5  # the hub asks all again every 13.5 to 16.5 s: so old a fact may be that nothing announced
SELDOM = 300.0  # what may be as old as this and live, such as the sizes of tables, is measured every few minutes


@dataclass(slots=True)
class Panel:
    """The newest that was said of one panel."""

    fresh: dict[str, Any]
    error: str | None
    changes: int = 0  # how often its newest fact became newer

    @property
    def seldom(self) -> bool:
        """Whether its facts are measured so seldom that their age tells nothing of a fault."""
        return float(self.fresh["expected_seconds"]) >= SELDOM

    def shown(self, now: float) -> str:
        """Return the state a page shows at `now`, by its own rules (freshness.js)."""
        state = str(self.fresh["state"])
        if state not in ("live", "late", "stale"):
            return state
        age = now - (seconds_of(self.fresh["as_of"]) or now)
        expected = float(self.fresh["expected_seconds"])
        return "live" if age <= expected else "late" if age <= 3 * expected else "stale"


@dataclass
class Page:
    """One page that is open all the time and comes back whenever its socket is lost."""

    world: Stressed
    complaints: Complaints
    dashboard: str
    accounts: tuple[str, ...] = ()  # none: all
    foreign: tuple[bytes, ...] = ()  # what none of its panels may ever contain
    connected: bool = False
    panels: dict[str, Panel] = field(default_factory=dict)

    def __post_init__(self) -> None:
        all_panels = panels_of(self.dashboard)
        self.names = [panel.name for panel in all_panels]
        self.badged = [panel.name for panel in all_panels if panel.kind not in ("strip", "badge")]
        self._stored = {panel.name for panel in all_panels if all(read.source == "sql" for read in panel.reads)}

    def __str__(self) -> str:
        return f"{self.dashboard} page{' of ' + ','.join(self.accounts) if self.accounts else ''}"

    async def run(self) -> None:
        """Look until cancelled."""
        failures = 0
        while True:
            try:
                if await self._look():
                    failures = 0
            except (OSError, TimeoutError, websockets.WebSocketException):
                pass
            self.connected = False
            limit = min(LONGEST, SHORTEST * 2**failures)
            failures += 1
            await asyncio.sleep(random.uniform(limit / 2, limit))

    async def _look(self) -> bool:
        url = self.world.suite.url(self.dashboard, "")
        address = f"{url.replace('http', 'ws', 1)}/ws"
        async with websockets.connect(address, origin=Origin(url), max_size=None, compression=None) as socket:
            view = {"accounts": list(self.accounts)} if self.accounts else {}
            await socket.send(json.dumps({"type": "subscribe", "view": view, "panels": self.names}))
            self.connected = True
            try:
                async for text in socket:
                    self._heard(text if isinstance(text, bytes) else text.encode())
            except websockets.ConnectionClosed:
                pass
            return True

    def _heard(self, text: bytes) -> None:
        message = orjson.loads(text)
        if message["type"] == "error":
            self.complaints.add("a page is never answered with an error", f"{self}: {message['message']}")
        if message["type"] != "update":
            return
        for foreign in self.foreign:
            if foreign in text:
                self.complaints.add("nothing of another account", f"{self} was sent {foreign.decode()}")
        for name, told in message["panels"].items():
            before = self.panels.get(name)
            panel = Panel(told["freshness"], told["error"], before.changes if before else 0)
            if before is not None and panel.fresh["as_of"] != before.fresh["as_of"]:
                panel.changes += 1
            self.panels[name] = panel
            self._check_label(name, panel)

    def _check_label(self, name: str, panel: Panel) -> None:
        """What a message says of itself must be true: by its own figures, and by when the database last answered."""
        fresh, rule = panel.fresh, "no unlabelled stale panel"
        if fresh["state"] != "live":
            return
        as_of, moment = seconds_of(fresh["as_of"]), seconds_of(fresh["moment"])
        if as_of is None or moment is None:
            self.complaints.add(rule, f"{self}, {name}: live, but no fact has a time")
        elif panel.error:
            self.complaints.add(rule, f"{self}, {name}: live, but with the error {panel.error}")
        elif moment - as_of > float(fresh["expected_seconds"]):
            self.complaints.add(rule, f"{self}, {name}: live, but {moment - as_of:.0f} s old", about=name)
        elif as_of > time.time() + SKEW:
            self.complaints.add(rule, f"{self}, {name}: live as of {fresh['as_of']}, in the future", about=name)
        elif name in self._stored and as_of > self.world.proxy.answered_at + SKEW:
            late = as_of - self.world.proxy.answered_at
            what = f"{self}, {name}: facts of {late:.1f} s after the database last answered anybody"
            self.complaints.add(rule, what, about=name)

    def wrong(self, since: float, brisk: frozenset[str]) -> list[str]:
        """Return what is not right about the page now; `since` when nothing disturbs it (seconds since the epoch).

        `brisk` panels have new facts all the time, so theirs must be younger than that.
        """
        if not self.connected:
            return [f"{self}: no connection"]
        now = time.time()
        return [f"{self}, {name}: {fault}" for name in self.badged if (fault := self._fault(name, now, since, brisk))]

    def _fault(self, name: str, now: float, since: float, brisk: frozenset[str]) -> str | None:
        panel = self.panels.get(name)
        if panel is None:
            return "never answered"
        if (state := panel.shown(now)) != "live":
            return f"{state} ({panel.fresh['detail'] or panel.error or 'old'})"
        as_of = seconds_of(panel.fresh["as_of"]) or 0.0
        if not panel.seldom and as_of < (since if name in brisk else min(since, now - SWEEP)):
            return f"{now - as_of:.1f} s old, {since - as_of:.1f} s before all was undone"
        return None

    @property
    def brisk(self) -> frozenset[str]:
        """The panels whose newest fact has become newer more than twice."""
        return frozenset(name for name, panel in self.panels.items() if panel.changes > 2)


def seconds_of(text: str | None) -> float | None:
    """Return seconds since the epoch of an ISO time."""
    return None if not text else datetime.fromisoformat(text).astimezone(UTC).timestamp()
