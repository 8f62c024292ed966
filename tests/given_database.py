"""Samples of the database server for tests of what is said of it; each names only what the test is about."""

from datetime import datetime
from typing import Any

from main.database.pool import Database
from tests.given import insert


async def given_server(service: Database, at: datetime, **given: Any) -> None:
    """One look at a server that is well."""
    values = {
        "server_version": "18.1",
        "database_name": "trading",
        "login": "trader",
        "sees_all": True,
        "statements": "on",
        "connections": 5,
        "connections_limit": 100,
        "connections_reserved": 3,
        "active": 1,
        "idle": 4,
        "idle_in_transaction": 0,
        "hidden": 0,
        "waiting": 0,
        "sessions": 0,
        "autovacuum": True,
        "freeze_age": 1000,
        "freeze_limit": 200_000_000,
        "freeze_database": "trading",
    }
    counters = ("commits", "rollbacks", "blocks_hit", "blocks_read", "temporary_files", "temporary_bytes", "deadlocks")
    await insert(service, "database_samples", [{"at": at} | values | dict.fromkeys(counters, 0) | given])


async def given_session(service: Database, at: datetime, pid: int, **given: Any) -> None:
    """One session of the sample taken then."""
    values: dict[str, Any] = {"kind": "client backend", "application": f"app {pid}", "role": "trader"}
    values |= {"state": "active", "transaction_at": at, "query_at": at, "state_at": at, "statement": "SELECT 1"}
    await insert(service, "session_samples", [{"at": at, "pid": pid} | values | given])


async def given_relation(service: Database, name: str, at: datetime, **given: Any) -> None:
    """One table as it was measured then."""
    names = ("partitions", "index_bytes", "live_rows", "dead_rows", "changed_rows", "rows_written")
    counts = dict.fromkeys((*names, "sequential_scans", "sequential_rows", "index_scans", "table_bytes"), 0)
    await insert(
        service, "relation_samples", [{"at": at, "schema_name": "public", "table_name": name} | counts | given]
    )


async def given_index(service: Database, name: str, at: datetime, **given: Any) -> None:
    """One index as it was measured then."""
    values = {
        "table_name": "fills",
        "partitioned": False,
        "index_bytes": 8192,
        "index_scans": 1,
        "is_valid": True,
        "is_unique": False,
        "is_constraint": False,
        "method": "btree",
        "keys": ["account_id"],
        "definition": f"CREATE INDEX {name} ON fills (account_id)",
    }
    await insert(service, "index_samples", [{"at": at, "schema_name": "public", "index_name": name} | values | given])
