"""How are orders, trades, performance and errors kept as JSON lines that any tool can read?

One folder an account below the one given, in it ``orders.jsonl``, ``trades.jsonl``, ``performance.jsonl`` and
``errors.jsonl``, which `import jsonl` reads back; errors of no account are in the folder given itself. Numbers are
written with all their digits, times as ISO 8601.
"""

import asyncio
from collections import defaultdict, deque
from pathlib import Path

import structlog

from main.domain.events import Equity, Event, Fill, Order, OrderEvent, Position, SystemEvent
from main.domain.scope import ACCOUNT_PATTERN
from main.recording.jsonl import Log
from main.recording.mirrored import Mirrored

PAUSE_SECONDS = 0.25
CAPACITY = 20_000
"""Events that wait for the disk; beyond that the oldest are left out of the logs, not of the database."""

_WANTED = frozenset({Equity, Fill, Order, OrderEvent, Position, SystemEvent})

_log = structlog.get_logger(__name__)


class Mirror:
    """Appends what a bot records to logs. `offer` is for any thread, the rest for the Recorder's own."""

    def __init__(self, folder: Path) -> None:
        """Write below `folder`, which is made when there is something to write."""
        self.failures = 0
        self._folder = folder
        self._waiting: deque[Event] = deque(maxlen=CAPACITY)
        self._logs: dict[Path, Log] = {}
        self._mirrored = Mirrored()
        self._broken: set[Path] = set()

    def offer(self, event: Event) -> None:
        """Take an event. Never blocks, never raises."""
        if type(event) in _WANTED:
            self._waiting.append(event)

    async def run(self) -> None:
        """Write what comes, for ever."""
        while True:
            self.write()
            await asyncio.sleep(PAUSE_SECONDS)

    def write(self) -> None:
        """Append what waits. A disk that does not take it costs lines, which are counted, and nothing else."""
        lines: dict[Path, list[str]] = defaultdict(list)
        while self._waiting:
            try:
                for account, log, line in self._mirrored.lines(self._waiting.popleft()):
                    lines[self._folder / _folder_of(account) / log].append(line)
            except Exception:  # noqa: BLE001 - an event that other rules refuse; dead_letters tell of it
                self.failures += 1
        for path, new in lines.items():
            self._append(path, new)

    def _append(self, path: Path, lines: list[str]) -> None:
        log = self._logs.setdefault(path, Log(path))
        try:
            log.append(lines)
        except OSError as error:
            self.failures += len(lines)
            if path not in self._broken:
                told = f"{error}; make room or name another folder (--jsonl)"
                _log.error("JSONL log cannot be written", file=str(path), reason=told)
            self._broken.add(path)
            return
        if path in self._broken:
            self._broken.remove(path)
            _log.info("JSONL log can be written again", file=str(path))


def _folder_of(account: str) -> str:
    if account and not ACCOUNT_PATTERN.fullmatch(account):
        raise ValueError(f"account: got {account!r}, expected an account id")
    return account
