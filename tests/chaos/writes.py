"""Do programs that write over HTTP lose or double anything? One that writes all the time and repeats what failed."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson

from tests.chaos.complaints import Complaints
from tests.chaos.suite import PATIENCE, Stressed

BATCH = 5
ANSWER_SECONDS = 20.0 * PATIENCE  # the server's own limit is 12 s
SOURCE = "chaos-writer"
_STORED = "SELECT source_id FROM system_events WHERE source = $1"


@dataclass
class Writing:
    """A client of `POST /api/record` that sends each batch until it is told that it is stored."""

    world: Stressed
    complaints: Complaints
    acknowledged: set[str] = field(default_factory=set)
    sent: int = 0
    put_off: int = 0  # times it was told to come again

    async def run(self) -> None:
        """Write until cancelled."""
        url = self.world.suite.url("trading", "/api/record")
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as client:
            while True:
                self.sent += 1
                names = [f"{self.sent}-{number}" for number in range(BATCH)]
                body = b"\n".join(orjson.dumps(_event(name)) for name in names)
                while not await self._stored(client, url, body, names):
                    await asyncio.sleep(0.5)
                await asyncio.sleep(0.5)

    async def _stored(self, client: httpx.AsyncClient, url: str, body: bytes, names: list[str]) -> bool:
        rule = "a write is stored, or put off with 503 and Retry-After"
        try:
            answer = await client.post(url, content=body, headers={"Content-Type": "application/x-ndjson"})
        except httpx.ReadTimeout:
            if "trading" not in self.world.afflicted:
                self.complaints.add(rule, f"no answer in {ANSWER_SECONDS:g} s")
            return False
        except httpx.TransportError:
            return False  # its /livez tells
        if answer.status_code == 503 and answer.headers.get("Retry-After"):
            self.put_off += 1
            return False
        told = answer.json() if answer.status_code == 200 else {}
        if told.get("accepted", 0) + told.get("duplicates", 0) != BATCH:
            self.complaints.add(rule, f"{answer.status_code} {answer.text[:200]}")
            return False
        self.acknowledged.update(names)
        return True

    async def differences(self) -> list[str]:
        """Return what was acknowledged and is not there, or is there more than once; the writer must have ended."""
        connection = await self.world.server.connect()
        try:
            stored = [row["source_id"] for row in await connection.fetch(_STORED, SOURCE)]
        finally:
            connection.terminate()
        told = []
        if lost := self.acknowledged - set(stored):
            told.append(f"{len(lost)} of {len(self.acknowledged)} writes that were acknowledged, such as {min(lost)}")
        if len(stored) != len(set(stored)):
            told.append(f"{len(stored) - len(set(stored))} writes are there twice")
        if not self.acknowledged:
            told.append("no write was ever acknowledged")
        return told


def _event(name: str) -> dict[str, Any]:
    return {
        "event": "system_event",
        "at": datetime.now(UTC).isoformat(),
        "source": SOURCE,
        "source_id": name,
        "severity": "info",
        "kind": "chaos",
        "message": "written while all shakes",
    }
