"""An exchange for tests: answers on a real socket in the wire format of Bitstamp's public REST API."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from main.clock import now

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MARKETS = [
    # name, decimals of quantity and price, kind, further fields
    ("BTC/USD", 8, 0, "SPOT", {}),
    ("ETH/USD", 8, 1, "SPOT", {}),
    ("XRP/USD", 8, 5, "SPOT", {}),
    ("BTC/EUR", 8, 0, "SPOT", {}),
    ("BTC/USD-PERP", 5, 0, "PERPETUAL", {"payoff_type": "Linear", "contract_size": "1.00000000"}),
]


class Bitstamp:
    """Books and trades as told; `override[path]` answers in place of them."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: Counter[str] = Counter()
        self.override: dict[str, Handler] = {}
        self.trades: dict[str, list[tuple[int, str, str]]] = {}  # tid, price, amount
        self.books: dict[str, tuple[list[list[str]], list[list[str]]]] = {}
        self.age_seconds = 0.0
        for name, price in (("btcusd", 92450), ("ethusd", 3120), ("xrpusd", 2), ("btceur", 80000)):
            self.set_book(name, f"{price}", f"{price + 1}")

    def set_book(self, pair: str, bid: str, ask: str) -> None:
        self.books[pair] = ([[bid, "0.50000000"]], [[ask, "0.40000000"]])

    async def answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        self.asked[path] += 1
        if path in self.override:
            return await self.override[path](request)
        parts = path.strip("/").split("/")
        match parts:
            case ["api", "v2", "markets"]:
                return web.json_response([_market(*each) for each in MARKETS])
            case ["api", "v2", "order_book", pair] if pair in self.books:
                at = now().timestamp() - self.age_seconds
                bids, asks = self.books[pair]
                times = {"timestamp": str(int(at)), "microtimestamp": str(int(at * 1e6))}
                return web.json_response(times | {"bids": bids, "asks": asks})
            case ["api", "v2", "transactions", pair]:
                return web.json_response([_trade(*each) for each in reversed(self.trades.get(pair, []))])
        return web.json_response({"status": "error", "reason": "Not found", "code": "API0001"}, status=404)


@asynccontextmanager
async def bitstamp() -> AsyncIterator[Bitstamp]:
    exchange = Bitstamp()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", exchange.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    exchange.url = f"http://{host}:{port}"
    try:
        yield exchange
    finally:
        await runner.cleanup()


def status(code: int, body: str = "{}") -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(status=code, text=body, content_type="application/json")

    return handler


async def hang_up(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def never(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(3600)
    return web.Response()


def _market(name: str, base_decimals: int, quote_decimals: int, kind: str, further: dict[str, Any]) -> dict[str, Any]:
    base, quote = name.removesuffix("-PERP").split("/")
    return {
        "name": name,
        "market_symbol": name.replace("/", "").lower(),
        "base_currency": base,
        "base_decimals": base_decimals,
        "counter_currency": quote,
        "counter_decimals": quote_decimals,
        "minimum_order_value": "10",
        "trading": "Enabled",
        "instant_order_counter_decimals": 2,
        "instant_and_market_orders": "Enabled",
        "description": f"{base} / {quote}",
        "market_type": kind,
        **further,
    }


def _trade(number: int, price: str, amount: str) -> dict[str, str]:
    return {"date": str(1_790_000_000 + number), "tid": str(number), "amount": amount, "type": "0", "price": price}
