"""A broker for tests: answers on a real socket in the wire format of Alpaca's trading API, and keeps an account."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from aiohttp import web

from main.clock import now

KEY, SECRET = "PKTEST", "secret-canary"
Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]


class AlpacaAccount:
    """Orders and executions as Alpaca shows them. ``faults`` answer before the account does, by method and path."""

    def __init__(self) -> None:
        self.url = ""
        self.orders: dict[str, dict[str, Any]] = {}  # by Alpaca's id, oldest first
        self.activities: list[dict[str, Any]] = []
        self.hidden: list[dict[str, Any]] = []  # executed, but not yet among the activities
        self.requests: list[str] = []
        self.faults: dict[tuple[str, str], Fault] = {}
        self.slow_books = False  # executions show late

    def give(
        self, symbol: str, side: str, quantity: str, *, client: str | None = None, age_seconds: float = 0, **more: Any
    ) -> dict[str, Any]:
        """Have an order in the account, as if it had been placed."""
        at = now() - timedelta(seconds=age_seconds)
        order = {
            "id": str(uuid.uuid4()),
            "client_order_id": client or str(uuid.uuid4()),
            "created_at": _text(at),
            "updated_at": _text(at),
            "submitted_at": _text(at),
            "filled_at": None,
            "expired_at": None,
            "canceled_at": None,
            "failed_at": None,
            "replaced_at": None,
            "replaced_by": None,
            "replaces": None,
            "asset_id": str(uuid.uuid4()),
            "symbol": symbol,
            "asset_class": "crypto",
            "notional": None,
            "qty": quantity,
            "filled_qty": "0",
            "filled_avg_price": None,
            "order_class": "",
            "order_type": more.get("type", "market"),
            "type": "market",
            "side": side,
            "time_in_force": "gtc",
            "limit_price": None,
            "stop_price": None,
            "status": "new",
            "extended_hours": False,
            "legs": None,
            "trail_percent": None,
            "trail_price": None,
            "hwm": None,
            **more,
        }
        self.orders[order["id"]] = order
        return order

    def execute(self, order: dict[str, Any], quantity: str, price: str, *, at: datetime | None = None) -> str:
        """Fill a part of an order; return the id of the execution."""
        at = at or now()
        filled = Decimal(order["filled_qty"]) + Decimal(quantity)
        done = filled == Decimal(order["qty"])
        order.update(
            filled_qty=str(filled),
            filled_avg_price=price,
            status="filled" if done else "partially_filled",
            filled_at=_text(at) if done else None,
        )
        activity = {
            "id": f"{at:%Y%m%d%H%M%S%f}::{uuid.uuid4()}",
            "activity_type": "FILL",
            "transaction_time": _text(at),
            "type": "fill" if done else "partial_fill",
            "price": price,
            "qty": quantity,
            "side": order["side"],
            "symbol": order["symbol"].replace("/", ""),
            "leaves_qty": str(Decimal(order["qty"]) - filled),
            "order_id": order["id"],
            "cum_qty": str(filled),
            "order_status": order["status"],
        }
        (self.hidden if self.slow_books else self.activities).append(activity)
        return str(activity["id"])

    def show(self) -> None:
        """Let the executions that were held back appear."""
        self.activities += self.hidden
        self.hidden = []

    def only(self) -> dict[str, Any]:
        (order,) = self.orders.values()
        return order

    def end(self, order: dict[str, Any], status: str) -> None:
        stamp = {"canceled": "canceled_at", "expired": "expired_at", "rejected": "failed_at"}[status]
        order.update({"status": status, stamp: _text(now())})

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path}")
        if (request.headers.get("APCA-API-KEY-ID"), request.headers.get("APCA-API-SECRET-KEY")) != (KEY, SECRET):
            return _error(401, 40110000, "access key verification failed : access key not found (Code = 40110000)")
        fault = self.faults.get((request.method, request.path))
        if fault is not None:
            answered = await fault(request)
            if answered is not None:
                return answered
        return await self.usual(request)

    async def usual(self, request: web.Request) -> web.StreamResponse:  # noqa: PLR0911  # a table of routes
        query = request.query
        match request.method, request.path.strip("/").split("/"):
            case "GET", ["v2", "account"]:
                return web.json_response({"id": "1", "status": "ACTIVE", "trading_blocked": False, "cash": "100000"})
            case "POST", ["v2", "orders"]:
                return self._placed(await request.json())
            case "GET", ["v2", "orders"]:
                standing = ("new", "accepted", "pending_new", "partially_filled", "pending_cancel")
                return web.json_response([each for each in self.orders.values() if each["status"] in standing])
            case "GET", ["v2", "orders:by_client_order_id"]:
                found = [each for each in self.orders.values() if each["client_order_id"] == query["client_order_id"]]
                return web.json_response(found[0]) if found else _error(404, 40410000, "order not found")
            case "GET", ["v2", "orders", venue_id]:
                if venue_id not in self.orders:
                    return _error(404, 40410000, f"order not found for {venue_id}")
                return web.json_response(self.orders[venue_id])
            case "DELETE", ["v2", "orders", venue_id]:
                order = self.orders[venue_id]
                if order["status"] in {"filled", "canceled", "expired"}:
                    return _error(422, 42210000, f'order is already in "{order["status"]}" state')
                self.end(order, "canceled")
                return web.Response(status=204)
            case "GET", ["v2", "account", "activities", "FILL"]:
                return web.json_response(self._page(query))
        return _error(404, 40410000, "endpoint not found.")

    def _placed(self, wanted: dict[str, Any]) -> web.Response:
        if any(each["client_order_id"] == wanted["client_order_id"] for each in self.orders.values()):
            return _error(422, 40010001, "client_order_id must be unique")
        order = self.give(
            wanted["symbol"],
            wanted["side"],
            wanted["qty"],
            client=wanted["client_order_id"],
            type=wanted["type"],
            limit_price=wanted.get("limit_price"),
            time_in_force=wanted["time_in_force"],
            status="pending_new",
        )
        return web.json_response(order)

    def _page(self, query: Any) -> list[dict[str, Any]]:
        after = datetime.fromisoformat(query["after"])
        found = [each for each in self.activities if datetime.fromisoformat(each["transaction_time"]) > after]
        found.sort(key=lambda each: str(each["id"]))
        if token := query.get("page_token"):
            found = [each for each in found if str(each["id"]) > token]
        return found[: int(query.get("page_size", "100"))]


@asynccontextmanager
async def alpaca() -> AsyncIterator[AlpacaAccount]:
    account = AlpacaAccount()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", account.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    account.url = f"http://{host}:{port}"
    try:
        yield account
    finally:
        await runner.cleanup()


def refuses(status: int, code: int, message: str) -> Fault:
    async def fault(request: web.Request) -> web.StreamResponse:
        return _error(status, code, message)

    return fault


async def garbage(request: web.Request) -> web.StreamResponse:
    return web.Response(text="<html>hello</html>", content_type="text/html")


async def silence(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(3600)
    return web.Response()


def done_but_unanswered(account: AlpacaAccount, answer: Fault) -> Fault:
    """What was asked is done, and then `answer` goes out in place of the result."""

    async def fault(request: web.Request) -> web.StreamResponse | None:
        await account.usual(request)
        return await answer(request)

    return fault


def _error(status: int, code: int, message: str) -> web.Response:
    return web.json_response({"code": code, "message": message}, status=status)


def _text(at: datetime) -> str:
    """As Alpaca writes a time: nanoseconds and Z."""
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}123Z"
