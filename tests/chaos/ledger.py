"""Did everything arrive that the bot did, once? Its own logs against the rows in the database."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.chaos.suite import ACCOUNTS, Stressed

LOST_SECONDS = 1.0
"""What a killed bot did so shortly before may be in the logs, in the database, in both or in neither (PROMISES 19)."""

_FILLS = "SELECT at, order_id, symbol, side, quantity, price FROM fills WHERE account_id = $1"
_ORDERS = "SELECT at, order_id, symbol, side, quantity, kind FROM order_events WHERE account_id = $1"
# Only what the bot itself said: a fill of a killed run that comes late corrects the observations since, by revisions.
_EQUITY = "SELECT at, equity FROM trading_pnl WHERE account_id = $1 AND source_id LIKE 'equity-%' AND revision = 0"
_TWICE = {
    "fills": "SELECT count(*) - count(DISTINCT (source, source_id)) FROM fills WHERE account_id = $1",
    "order_events": "SELECT count(*) - count(DISTINCT (source, source_id)) FROM order_events WHERE account_id = $1",
    "bot_heartbeats": "SELECT count(*) - count(DISTINCT source_id) FROM bot_heartbeats WHERE account_id = $1",
}
_BEATS = "SELECT source_id FROM bot_heartbeats WHERE account_id = $1"
_LETTERS = "SELECT count(*) FROM dead_letters"

Fact = tuple[Any, ...]  # its time first


async def differences(world: Stressed) -> list[str]:
    """Return what is missing, too much or doubled; empty when the books agree. The bot must have ended."""
    connection = await world.server.connect()
    try:
        found = []
        for account in ACCOUNTS:
            folder = world.jsonl / account
            fields = ("order_id", "symbol", "side", "quantity")
            logged = {
                "fills": _logged(folder / "trades.jsonl", (*fields, "price")),
                "order_events": _logged(folder / "orders.jsonl", (*fields, "event_type")),
                "trading_pnl": _logged(folder / "performance.jsonl", ("nav",)),
            }
            for table, sql in (("fills", _FILLS), ("order_events", _ORDERS), ("trading_pnl", _EQUITY)):
                stored = [tuple(row.values()) for row in await connection.fetch(sql, account)]
                found += _compared(f"{table} of {account}", logged[table], stored, world.bot_kills)
            for table, sql in _TWICE.items():
                if count := await connection.fetchval(sql, account):
                    found.append(f"{table} of {account}: {count} rows twice")
            found += _gaps(account, [row[0] for row in await connection.fetch(_BEATS, account)])
        if count := await connection.fetchval(_LETTERS):
            found.append(f"{count} dead letters")
        return found
    finally:
        connection.terminate()


def _logged(path: Path, fields: tuple[str, ...]) -> list[Fact]:
    facts = []
    for file in sorted(path.parent.glob(f"{path.name}*")):
        for line in file.read_text().splitlines():
            try:
                row = json.loads(line, parse_float=Decimal, parse_int=Decimal)
            except ValueError:
                continue  # cut off by a kill
            facts.append((datetime.fromisoformat(row["timestamp"]), *(row[name] for name in fields)))
    return facts


def _compared(what: str, logged: Iterable[Fact], stored: Iterable[Fact], kills: list[float]) -> list[str]:
    ours, theirs = Counter(logged), Counter(stored)
    missing, unknown = _sure(ours - theirs, kills), _sure(theirs - ours, kills)
    told = []
    if not theirs:
        told.append(f"{what}: nothing is in the database")
    if missing:
        told.append(f"{what}: {len(missing)} of {ours.total()} lost, the first {min(missing, key=str)}")
    if unknown:
        told.append(f"{what}: {len(unknown)} of {theirs.total()} the bot knows nothing of: {min(unknown, key=str)}")
    return told


def _sure(facts: Counter[Fact], kills: list[float]) -> list[Fact]:
    return [
        fact for fact in facts.elements() if not any(0 <= kill - fact[0].timestamp() < LOST_SECONDS for kill in kills)
    ]


def _gaps(account: str, beats: Iterable[str]) -> list[str]:
    """Heartbeats of a run are numbered: none may be missing between the first and the last."""
    runs: dict[str, set[int]] = {}
    for run, _, number in (beat.rpartition("-") for beat in beats):
        runs.setdefault(run, set()).add(int(number))
    return [
        f"heartbeats of {account}: {max(seen) - len(seen)} of {max(seen)} lost in run {run}"
        for run, seen in runs.items()
        if max(seen) != len(seen)
    ]
