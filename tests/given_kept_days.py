"""What is kept by day, for tests of all of it: how facts come, late ones too, and what the reads say of them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any

from main.database.kept_days import roll_fill_days, roll_order_days
from main.database.pool import Database
from main.domain.scope import Scope
from main.monitoring.reads import liquidity, rejects, shortfall, slippage
from tests.given import DAY, HOUR, given_fill, given_instrument, given_order_event, insert
from tests.given_orders import asked_for, given_change, given_deletion, given_order

END = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
ZONES = (("UTC", 0), ("America/New_York", 17), ("Asia/Kolkata", 0))
FILL_PARTS = ("all", "symbol", "strategy", "account", "side", "liquidity", "hour", "size")
ORDER_PARTS = ("all", "symbol", "strategy", "account", "side", "hour", "size")
REASONS = ("reason", "all", "symbol", "strategy", "account", "side", "hour")
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Kept:
    """Facts of one kind that are summed up by day.

    `wrong` writes into the sums what no fact gives, 10,000 a row, which `believed` finds again in a read's answer.
    """

    what: str
    roll: Callable[[Database], Awaitable[int]]
    facts: Callable[[Database, Random, str, Sequence[datetime]], Awaitable[list[str]]]
    one: Callable[[Database, str, datetime], Awaitable[object]]
    late: tuple[str, ...]
    come: Callable[[Database, Random, str, str, list[str]], Awaitable[None]]
    answers: Callable[[Database, Scope], Awaitable[list[Any]]]
    wrong: str
    believed: Callable[[Database, Scope], Awaitable[int]]

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables of what is kept."""
        return f"{self.what}_days", f"{self.what}_days_progress", f"{self.what}_marks"

    async def computed(self, service: Database, database: Database, scope: Scope) -> list[Any]:
        """The answers from the facts alone: where no account counts as summed up, nothing that is kept is looked at."""
        progress = f"{self.what}_days_progress"
        async with service.scoped() as connection:
            kept = await connection.fetch(f"DELETE FROM {progress} RETURNING *")
        found = await self.answers(database, scope)
        await insert(service, progress, [dict(row) for row in kept])
        return found


def times_of(chance: Random, many: int) -> list[datetime]:
    """Moments of four months, and two about which the clocks of New York change."""
    edges = [datetime(2026, 10, 31, 21, 0, tzinfo=UTC), datetime(2026, 11, 1, 0, 0, tzinfo=UTC)]
    return edges + [END - timedelta(seconds=chance.randrange(120 * 86_400)) for _ in range(many)]


async def given_executions(service: Database, chance: Random, account: str, times: Sequence[datetime]) -> list[str]:
    """A fill at each of the times; return their ids."""
    return [
        await given_fill(
            service,
            chance.choice(("buy", "sell")),
            chance.randrange(1, 50),
            price := Decimal(chance.randrange(2_000, 20_000)) / 100,
            at,
            account=account,
            symbol=chance.choice(("X", "Y", "Z")),
            strategy=chance.choice(("quotes", "rotation", None)),
            liquidity=chance.choice(("maker", "taker", None)),
            fee=Decimal(chance.randrange(-10, 50)) / 100,
            arrival_mid=chance.choice((price - 1, price + Decimal("0.07"), None)),
        )
        for at in times
    ]


async def given_rates(service: Database, source: str, times: Sequence[datetime], rate: float = 1.1) -> None:
    """What a euro was worth at each of the times."""
    rows = [
        {"source": source, "base": "EUR", "quote": "USD", "at": at, "rate": Decimal(str(round(rate + n / 100, 4)))}
        for n, at in enumerate(times)
    ]
    await insert(service, "fx_rates", rows)


async def given_orders(service: Database, chance: Random, account: str, times: Sequence[datetime]) -> list[str]:
    """An order of each time, most of them over, with the steps that it took; return their ids."""
    ids = []
    for at in times:
        order = f"o{next(_numbers)}"
        status = chance.choice(("filled", "cancelled", "rejected", "accepted"))
        about: dict[str, Any] = {
            "symbol": chance.choice(("X", "Y", "Z")),
            "side": chance.choice(("buy", "sell")),
            "strategy": chance.choice(("quotes", "rotation", None)),
        }
        await given_order(
            service,
            order,
            at - HOUR,
            account_id=account,
            at=at,
            status=status,
            filled_quantity=10 if status == "filled" else chance.choice((0, 3)),
            decision_price=chance.choice((99, 450, None)),
            **about,
        )
        await given_order_event(service, "placed", at - HOUR, account, order_id=order, **about)
        if status != "accepted":
            reason = chance.choice(("margin", "stale price", None)) if status == "rejected" else None
            await given_order_event(service, status, at, account, order_id=order, reason=reason, **about)
        ids.append(order)
    return ids


async def _late_fills(service: Database, chance: Random, name: str, what: str, ids: list[str]) -> None:
    if what == "facts":
        await given_executions(service, chance, name, times_of(chance, 5))
    elif what == "a rate":
        await given_rates(service, name, [END - 60 * DAY], rate=1.7)
    elif what == "a currency":
        await given_instrument(service, "X", currency="EUR", source=name)
    elif what in ("a correction", "a bust"):
        async with service.scoped() as connection:
            await connection.execute(
                "INSERT INTO fills (account_id, source, source_id, revision, at, symbol, side, quantity, price)"
                " SELECT account_id, source, source_id, 1, at - interval '30 hours', symbol, side, $3, price"
                " FROM fills WHERE account_id = $1 AND source_id = $2",
                name,
                ids[5],
                0 if what == "a bust" else 7,
            )


async def _late_orders(service: Database, chance: Random, name: str, what: str, ids: list[str]) -> None:
    if what == "facts":
        await given_orders(service, chance, name, times_of(chance, 5))
    elif what == "a deletion":
        await given_deletion(service, ids[3], END, name)
    elif what == "an order that ends":
        await given_change(service, ids[4], END - 20 * DAY, account=name, status="expired", filled_quantity=1)
    elif what in ("a correction", "a bust"):
        async with service.scoped() as connection:
            await connection.execute(
                "INSERT INTO order_events"
                " (account_id, source, source_id, revision, at, order_id, kind, symbol, side, quantity)"
                " SELECT account_id, source, source_id, 1, at - interval '30 hours', order_id,"
                " CASE WHEN $3 THEN 'accepted' ELSE kind END, symbol, side, quantity"
                " FROM order_events WHERE account_id = $1 AND order_id = $2",
                name,
                ids[5],
                what == "a bust",
            )


async def _of_fills(database: Database, scope: Scope) -> list[Any]:
    return [await asked_for(database, slippage.READ, scope, by=by) for by in FILL_PARTS] + [
        await asked_for(database, liquidity.READ, scope, by=by) for by in FILL_PARTS if by != "liquidity"
    ]


async def _of_orders(database: Database, scope: Scope) -> list[Any]:
    return [await asked_for(database, rejects.READ, scope, by=by) for by in REASONS] + [
        await asked_for(database, shortfall.READ, scope, by=by, orders=orders)
        for by, orders in zip(ORDER_PARTS, ("executed", "all") * len(ORDER_PARTS), strict=False)
    ]


async def _believed_fills(database: Database, scope: Scope) -> int:
    parts = await asked_for(database, liquidity.READ, scope, by="all")
    return sum(int(part.maker_fills) for part in parts) // 10_000


async def _believed_orders(database: Database, scope: Scope) -> int:
    return sum(int(part.rejected) for part in await asked_for(database, rejects.READ, scope)) // 10_000


async def _one_fill(service: Database, account: str, at: datetime) -> str:
    return await given_fill(service, "buy", 1, 100, at, account=account)


async def _one_rejection(service: Database, account: str, at: datetime) -> None:
    await given_order_event(service, "rejected", at, account)


FILLS = Kept(
    "fill",
    roll_fill_days,
    given_executions,
    _one_fill,
    ("nothing", "facts", "a rate", "a currency", "a correction", "a bust", "a zone"),
    _late_fills,
    _of_fills,
    "UPDATE fill_days SET valued = 0, fills = 10000, maker_fills = 10000, taker_fills = 0",
    _believed_fills,
)
ORDERS = Kept(
    "order",
    roll_order_days,
    given_orders,
    _one_rejection,
    ("nothing", "facts", "a correction", "a bust", "a deletion", "an order that ends", "a zone"),
    _late_orders,
    _of_orders,
    "UPDATE order_days SET rejected = 10000",
    _believed_orders,
)
