"""Orders for tests of reads, in states and versions, written with plain SQL as the service role."""

from datetime import datetime
from typing import Any

from main.database.pool import Database
from main.domain.scope import Scope
from main.monitoring.read import Read
from tests.given import MOMENT, insert

_FIRST = {
    "account_id": "A",
    "source": "bot",
    "symbol": "X",
    "side": "buy",
    "order_type": "limit",
    "status": "accepted",
    "quantity": 10,
    "filled_quantity": 0,
    "price": 99,
}


async def asked_for(database: Database, read: Read[Any], scope: Scope, **params: Any) -> Any:
    """The read's value with these parameters, as a dashboard gets it."""
    assert read.params is not None
    async with database.scoped(scope.accounts) as connection:
        return await read.fetch(connection, scope, read.params(**params))


async def given_order(
    service: Database, order_id: str, placed_at: datetime = MOMENT, *, learned: datetime | None = None, **given: Any
) -> None:
    """An order as it was placed; the suite learned of it at once unless `learned` says when."""
    at = given.pop("at", placed_at)
    row = _FIRST | {"order_id": order_id, "placed_at": placed_at, "at": at} | given
    await insert(service, "orders", [row])
    await _learned(service, row["account_id"], order_id, learned or at)


async def given_change(
    service: Database, order_id: str, at: datetime, *, account: str = "A", learned: datetime | None = None, **given: Any
) -> None:
    """A later state of an order; the suite learned of it at once unless `learned` says when."""
    changes = {"at": at} | given
    columns = ", ".join(f"{column} = ${index}" for index, column in enumerate(changes, 3))
    async with service.scoped() as connection:
        await connection.execute(
            f"UPDATE orders SET {columns} WHERE account_id = $1 AND order_id = $2",
            account,
            order_id,
            *changes.values(),
        )
    await _learned(service, account, order_id, learned or at)


async def given_deletion(service: Database, order_id: str, at: datetime, account: str = "A") -> None:
    """The bot deletes the order's row."""
    async with service.scoped() as connection:
        await connection.execute("DELETE FROM orders WHERE account_id = $1 AND order_id = $2", account, order_id)
    await _learned(service, account, order_id, at)


async def _learned(service: Database, account: str, order_id: str, at: datetime) -> None:
    """The newest version was known at `at`: the triggers wrote the time of the test's run."""
    async with service.scoped() as connection:
        await connection.execute(
            "UPDATE orders_history SET changed_at = $3 WHERE account_id = $1 AND order_id = $2 AND changed_at = "
            "(SELECT max(changed_at) FROM orders_history WHERE account_id = $1 AND order_id = $2)",
            account,
            order_id,
            at,
        )
