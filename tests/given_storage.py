"""Samples of tables and indexes, purges, answers of bots and named values; each names only what the test is about."""

from datetime import datetime
from typing import Any

from main.database.pool import Database
from tests.given import MINUTE, MOMENT, insert

LOOKED = MOMENT - 2 * MINUTE


async def given_table_size(
    service: Database, table: str, size: int, at: datetime = LOOKED, *, index_bytes: int = 0, **given: Any
) -> None:
    """What the worker sampled of one table; everything that it counts is 0 unless it is given."""
    counted = (
        *("partitions", "live_rows", "dead_rows", "changed_rows", "rows_written"),
        *("sequential_scans", "sequential_rows", "index_scans"),
    )
    row = {"at": at, "recorded_at": at, "schema_name": "public", "table_name": table, "kept": True}
    sizes = {"table_bytes": size, "index_bytes": index_bytes}
    await insert(service, "relation_samples", [row | sizes | dict.fromkeys(counted, 0) | given])


async def given_index_size(service: Database, index: str, table: str, size: int, at: datetime = LOOKED) -> None:
    row = {"at": at, "recorded_at": at, "schema_name": "public", "index_name": index, "table_name": table}
    sizes = {"index_bytes": size, "index_scans": 3, "partitioned": False, "method": "btree", "keys": ["x"]}
    flags = {"is_valid": True, "is_unique": False, "is_constraint": False, "kept": True, "definition": "CREATE …"}
    await insert(service, "index_samples", [row | sizes | flags])


async def given_purge(service: Database, table: str, cutoff: datetime, finished_at: datetime, rows: int = 0) -> None:
    row = {"day": finished_at.date(), "table_name": table, "cutoff": cutoff, "started_at": finished_at}
    await insert(service, "daily_purge_flags", [row | {"finished_at": finished_at, "rows_deleted": rows}])


async def given_bot_answer(service: Database, account: str, **given: Any) -> None:
    row = {"account_id": account, "url": "http://127.0.0.1:8090/health", "origin": "settings", "state": "healthy"}
    answer = {"status_code": 200, "latency_seconds": 0.002, "since": MOMENT, "healthy_at": MOMENT, "at": MOMENT}
    await insert(service, "bot_health", [row | answer | given])


async def given_stored_things(service: Database, account: str) -> None:
    """Something of each."""
    await given_table_size(service, "fills", 4096, index_bytes=8192)
    await given_index_size(service, "fills_pkey", "fills", 8192)
    await given_purge(service, "system_events", MOMENT, MOMENT)
    await given_bot_answer(service, account)
    metric = {"source": "bot", "name": "queue", "account_id": account, "at": MOMENT, "recorded_at": MOMENT}
    await insert(service, "custom_metrics", [metric | {"value": 3, "unit": "orders"}])
