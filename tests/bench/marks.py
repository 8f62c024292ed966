"""Facts that can be told apart on a page: fills with a name of their own, and when a page showed them."""

import time
from dataclasses import dataclass
from typing import Any

import asyncpg
from playwright.async_api import Page

from main.database.address import Address

_DESCRIBE = """
    INSERT INTO instruments (source, symbol, currency) SELECT source, $1, currency FROM accounts LIMIT 1
"""
_INSERT = """
    INSERT INTO fills (account_id, source, source_id, at, symbol, side, quantity, price)
    SELECT account_id, 'bench', $1, clock_timestamp(), $1, 'buy', 1, 100 FROM accounts LIMIT 1
"""

# Notes when each mark is first in the text of the panel of activities, in milliseconds since the epoch.
WATCH = """
(() => {
  const seen = (window.benchSeen = {});
  new MutationObserver(() => {
    const body = document.getElementById("body-activity");
    for (const mark of (body ? body.textContent : "").match(/BENCH\\d{4}/g) || []) {
      if (!(mark in seen)) seen[mark] = performance.timeOrigin + performance.now();
    }
  }).observe(document, { subtree: true, childList: true, characterData: true });
})();
"""


@dataclass(frozen=True, slots=True)
class Commit:
    """One mark, when its INSERT was sent and when its commit was acknowledged, in seconds since the epoch."""

    mark: str
    sent: float
    acknowledged: float


class Marks:
    """Commits marks one after another, by plain SQL on a connection of its own."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @classmethod
    async def prepared(cls, address: Address, numbers: range) -> "Marks":
        """Connect, and describe the instruments of these marks: a fill needs one."""
        connection = await asyncpg.connect(**address.connect_arguments(), timeout=5, command_timeout=10)
        await connection.executemany(_DESCRIBE, [(mark(number),) for number in numbers])
        return cls(connection)

    async def commit(self, number: int) -> Commit:
        sent = time.time()
        await self._connection.execute(_INSERT, mark(number))
        return Commit(mark(number), sent, time.time())

    async def close(self) -> None:
        await self._connection.close()


def mark(number: int) -> str:
    return f"BENCH{number:04d}"


async def seen(page: Page) -> dict[str, float]:
    """Return when a page that was opened with `WATCH` showed each mark, in seconds since the epoch."""
    found: dict[str, float] = await page.evaluate("window.benchSeen")
    return {name: moment / 1e3 for name, moment in found.items()}
