"""What does Alpaca say of our orders? Its trading API through alpaca-py, off the event loop and never for ever.

Quantities and prices travel as the text they are written in, so that no digit is lost on the way. Answers are sorted
into three: a result, a definite no (`OrderRefused`), and silence (`BrokerSilent`), after which nobody knows.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import urlsplit

from main.clock import parse_moment
from main.errors import BrokerError, BrokerSilent, ConfigurationError, OrderRefused, Problem
from main.venues.extras import library

Answered = TypeVar("Answered")

LIVE_HOST = "api.alpaca.markets"
TIMEOUT_SECONDS = (3.05, 6.0)
"""For the connection and for each piece of an answer. The bot's loop waits meanwhile, so it is short."""

LONGEST_SECONDS = 20.0
"""For an answer that comes piece by piece."""

PAGE = 100  # executions a page, Alpaca's largest
LONGEST_PAGES = 50
MOST_ORDERS = 500  # Alpaca's largest


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """An order as Alpaca has it. ``order_id`` is the client's, ``venue_id`` its own; ``ended_at`` if it has ended."""

    venue_id: str
    order_id: str
    symbol: str
    side: str
    kind: str
    status: str
    quantity: Decimal
    filled: Decimal
    price: Decimal | None
    stop_price: Decimal | None
    average_price: Decimal | None
    submitted_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution, with the id that Alpaca gave it."""

    execution_id: str
    venue_id: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    at: datetime


def is_live(url: str) -> bool:
    """Whether orders sent there are paid with real money."""
    return urlsplit(url).hostname == LIVE_HOST


class Alpaca:
    """One trading account, asked by one thread, one question at a time."""

    def __init__(self, key_id: str | None, secret_key: str | None, url: str) -> None:
        """Speak to `url`. Raise `ConfigurationError` without keys, and where alpaca-py is missing."""
        if not key_id or not secret_key:
            raise ConfigurationError(
                Problem(
                    key="--broker",
                    got="alpaca without keys",
                    expected="both of them",
                    hint="set ALPACA_KEY_ID and ALPACA_SECRET_KEY in the environment or in .env",
                )
            )
        address = urlsplit(url)
        if address.scheme != "https" and address.hostname not in {"127.0.0.1", "::1", "localhost"}:
            raise ConfigurationError(
                Problem(key="alpaca.url", got=url, expected="https, or a server on this machine: keys travel with it")
            )
        trading = library("alpaca.trading.client", "alpaca", "--broker")
        self._refusal = library("alpaca.common.exceptions", "alpaca", "--broker").APIError
        self.live = is_live(url)
        self._client = trading.TradingClient(key_id, secret_key, paper=not self.live, raw_data=True, url_override=url)
        self._client._retry = 0  # it would repeat an order whose answer was lost
        adapter = _patient_adapter()
        for scheme in ("https://", "http://"):
            self._client._session.mount(scheme, adapter)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="alpaca")

    async def cash(self) -> Decimal:
        """Return the account's cash. Raise `BrokerError` when keys are refused or it may not trade, `BrokerSilent`."""
        try:
            account = await self._asked(lambda: self._client.get("/account"))
        except OrderRefused as error:
            raise _keys_refused(error.message) from None
        if account.get("trading_blocked") or account.get("account_blocked"):
            raise BrokerError("alpaca has blocked this account for trading: its dashboard says why")
        return await self._asked(lambda: _money(account["cash"]))

    async def submit(self, order: Mapping[str, str]) -> VenueOrder:
        """Place an order in Alpaca's own words. Raise `OrderRefused` with the venue's reason, or `BrokerSilent`."""
        # Not the library's request classes: they turn quantities and prices into floats.
        return await self._asked(lambda: _order(self._client.post("/orders", dict(order))))

    async def find(self, order_id: str) -> VenueOrder | None:
        """Return the order with a client's id; ``None`` when Alpaca has none. Raise `BrokerSilent`."""
        try:
            return await self._asked(lambda: _order(self._client.get_order_by_client_id(order_id)))
        except OrderRefused as error:
            if error.status == 404:
                return None
            raise BrokerSilent(f"alpaca does not tell of order {order_id}: {error.message}") from None

    async def order(self, venue_id: str) -> VenueOrder:
        """Return an order by Alpaca's id. Raise `BrokerError` when there is none, `BrokerSilent`."""
        return await self._asked(lambda: _order(self._client.get_order_by_id(venue_id)))

    async def open_orders(self) -> list[VenueOrder]:
        """Return what may still fill, oldest first. Raise `BrokerSilent`."""
        words = {"status": "open", "limit": MOST_ORDERS, "direction": "asc", "nested": "false"}
        return await self._asked(lambda: [_order(each) for each in self._client.get("/orders", words)])

    async def cancel(self, venue_id: str) -> None:
        """Ask for an order to be cancelled. Raise `OrderRefused` when it no longer can be, or `BrokerSilent`."""
        try:
            await self._asked(lambda: self._client.cancel_order_by_id(venue_id))
        except OrderRefused as error:
            if error.status == 429:
                raise BrokerSilent(f"alpaca does not cancel now: {error.message}") from None
            raise

    async def executions(self, after: datetime) -> list[Execution]:
        """Return the executions later than `after`, oldest first. Raise `BrokerSilent`."""
        return await self._asked(lambda: self._executions(after))

    def close(self) -> None:
        """Let go of the connections and of the thread, which ends with its last question."""
        self._thread.submit(self._client._session.close)
        self._thread.shutdown(wait=False)

    def _executions(self, after: datetime) -> list[Execution]:
        words = {"after": after.astimezone(UTC).isoformat(), "direction": "asc", "page_size": str(PAGE)}
        found: list[Execution] = []
        for _ in range(LONGEST_PAGES):
            page = [_execution(each) for each in self._client.get("/account/activities/FILL", words)]
            found += page
            if len(page) < PAGE:
                break
            words["page_token"] = page[-1].execution_id
        return found

    async def _asked(self, question: Callable[[], Answered]) -> Answered:
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                return await asyncio.get_running_loop().run_in_executor(self._thread, self._answer, question)
        except TimeoutError:
            raise BrokerSilent(f"alpaca gave no answer within {LONGEST_SECONDS:g} s") from None

    def _answer(self, question: Callable[[], Answered]) -> Answered:
        try:
            return question()
        except self._refusal as error:
            status, words = error.status_code, _words(str(error))
            if status == 401:
                raise _keys_refused(words) from None
            if status is not None and 400 <= status < 500 and status != 408:
                raise OrderRefused(words, status) from None
            raise BrokerSilent(f"alpaca is out of order (HTTP {status}); it is asked again") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:  # requests' errors are OSErrors
            raise BrokerSilent(f"alpaca gave no answer that makes sense ({type(error).__name__})") from None


def _patient_adapter() -> Any:
    adapters: Any = library("requests.adapters", "alpaca", "--broker")

    class Patient(adapters.HTTPAdapter):  # type: ignore[misc]
        """Gives every request the timeout that alpaca-py does not."""

        def send(self, request: Any, *arguments: Any, **options: Any) -> Any:
            return super().send(request, *arguments, **(options | {"timeout": TIMEOUT_SECONDS}))

    return Patient()


def _keys_refused(words: str) -> BrokerError:
    return BrokerError(
        f"alpaca refuses the keys ({words}): check ALPACA_KEY_ID and ALPACA_SECRET_KEY, and that they are of the"
        " endpoint that alpaca.url names (paper and live have keys of their own)"
    )


def _words(text: str) -> str:
    """What Alpaca says, in one line."""
    try:
        said = json.loads(text)
    except ValueError:
        said = text
    words = said.get("message", text) if isinstance(said, dict) else text
    return " ".join(str(words).split())[:200] or "no reason given"


def _order(raw: Any) -> VenueOrder:
    ended = next(
        (raw[f"{name}_at"] for name in ("filled", "canceled", "expired", "failed") if raw.get(f"{name}_at")), None
    )
    # An order for an amount of money has no quantity before it has filled.
    quantity = _number(raw.get("qty")) or _number(raw.get("filled_qty"))
    if quantity is None:
        raise ValueError("an order without a quantity")
    return VenueOrder(
        venue_id=raw["id"],
        order_id=raw["client_order_id"],
        symbol=raw["symbol"],
        side=raw["side"],
        kind=raw.get("type") or raw["order_type"],
        status=raw["status"],
        quantity=quantity,
        filled=_number(raw.get("filled_qty")) or Decimal(0),
        price=_number(raw.get("limit_price")),
        stop_price=_number(raw.get("stop_price")),
        average_price=_number(raw.get("filled_avg_price")),
        submitted_at=parse_moment(raw.get("submitted_at") or raw["created_at"], "submitted_at"),
        ended_at=parse_moment(ended, "ended_at") if ended else None,
    )


def _execution(raw: Any) -> Execution:
    quantity, price = _number(raw["qty"]), _number(raw["price"])
    if quantity is None or price is None or quantity <= 0 or price <= 0:
        raise ValueError("an execution without quantity or price")
    return Execution(
        execution_id=raw["id"],
        venue_id=raw["order_id"],
        symbol=raw["symbol"],
        side="sell" if raw["side"] == "sell_short" else raw["side"],
        quantity=quantity,
        price=price,
        at=parse_moment(raw["transaction_time"], "transaction_time"),
    )


def _money(value: object) -> Decimal:
    number = _number(value)
    if number is None:
        raise ValueError("no amount")
    return number


def _number(value: object) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value))
    except ArithmeticError as error:
        raise ValueError(f"no number: {value!r}") from error
    if not number.is_finite():
        raise ValueError(f"no number: {value!r}")
    return number
