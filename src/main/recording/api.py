"""How does a simple bot record with plain function calls and plain values?

A process has one default Recorder, opened by `init_database`. The other functions turn numbers, texts and ISO times
into an event. They never raise: what makes no event is counted, logged once for each field, answered with ``False``.
"""

import asyncio
import atexit
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import structlog

from main.database.address import Address
from main.database.migrate import migrate
from main.domain.events import Account, Event, MarketSnapshot, Metric, OrderEvent, SystemEvent
from main.errors import ConfigurationError, DatabaseError, Problem, RecordRejected
from main.recording.recorder import CLOSE_SECONDS, Recorder
from main.recording.session import describe
from main.recording.tables import TABLES
from main.recording.values import Amount, Level, Moment, book, moment, number, optional_number, text, word

_SINCE_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_MIGRATION_SECONDS = 150.0

_log = structlog.get_logger(__name__)


@dataclass
class _Default:
    """The Recorder the functions of this module use, and what events say when their caller does not."""

    recorder: Recorder | None = None
    account: str | None = None
    source: str = "bot"
    resources: ExitStack = field(default_factory=ExitStack)
    reported: set[tuple[str, str]] = field(default_factory=set)


_default = _Default()
_opening = threading.Lock()


def init_database(
    db_config: Address | Mapping[str, object] | str | None = None,
    account: Account | str | None = None,
    *,
    source: str = "bot",
    currency: str = "USD",
    mode: str = "live",
) -> Recorder:
    """Bring the schema up to date, open the process's default Recorder and return it; one opened before is closed.

    `db_config` is an address, a mapping or JSON text with host, port, database, user and password, a URL, or nothing
    for the database of the settings. `account` is who the events belong to: an `Account`, or an id, of which an account
    is made in `currency` and `mode` unless there is one. A database that is away is no error: events wait.
    Raise `ConfigurationError` for a bad `db_config`, `RecordRejected` for a bad account.
    """
    with _opening:
        owner = _account(account, source, currency, mode) if isinstance(account, str) else account
        close_database()
        resources = ExitStack()
        address = _address(db_config, resources)
        _migrate(address)
        recorder = Recorder(address)
        _default.recorder, _default.resources, _default.source = recorder, resources, source
        _default.account = owner.account if owner is not None else None
        if owner is not None:
            recorder.record(owner)
        atexit.register(close_database)
        recorder.start()
        return recorder


def close_database(timeout: float = CLOSE_SECONDS) -> int:
    """Write what waits and close the default Recorder; return how many events could not be written."""
    atexit.unregister(close_database)
    recorder, _default.recorder = _default.recorder, None
    unwritten = recorder.close(timeout) if recorder is not None else 0
    _default.resources.close()
    return unwritten


def save_market_snapshot(
    symbol: str,
    mid: Amount | None = None,
    *,
    best_bid: Amount | None = None,
    best_ask: Amount | None = None,
    bids: Sequence[Level] = (),
    asks: Sequence[Level] = (),
    at: Moment | None = None,
    source: str | None = None,
) -> bool:
    """Record an order book; `bids` and `asks` are (price, size) pairs, nearest first. Return whether it was taken.

    A mid may be left out where both best prices, or both sides' levels, are given.
    """

    def make() -> Event:
        return MarketSnapshot(
            at=moment(at),
            source=source or _default.source,
            symbol=text(symbol, "symbol"),
            **book(mid, best_bid, best_ask, bids, asks),
        )

    return _record("market_snapshots", make)


def log_order_event(  # noqa: PLR0917 - simple bots write them in this order
    order_id: str,
    kind: str,
    symbol: str,
    side: str,
    quantity: Amount,
    price: Amount | None = None,
    *,
    reason: str | None = None,
    decision_price: Amount | None = None,
    arrival_mid: Amount | None = None,
    strategy: str | None = None,
    model: str | None = None,
    at: Moment | None = None,
    account: str | None = None,
    source: str | None = None,
    source_id: str | None = None,
    revision: int = 0,
) -> bool:
    """Record a step of an order: placed, accepted, partially_filled, filled, cancelled, rejected or expired.

    Return whether it was taken. Without a `source_id` of the venue the step is known by its own content, so that the
    same step told twice is recorded once.
    """

    def make() -> Event:
        happened = moment(at)
        content = f"{order_id}:{kind}:{happened.isoformat()}:{quantity}:{price}"
        return OrderEvent(
            at=happened,
            account=text(account or _default.account or "", "account"),
            source=source or _default.source,
            source_id=text(source_id or content, "source_id"),
            revision=revision,
            order_id=text(order_id, "order_id"),
            kind=word(kind, "kind"),
            symbol=text(symbol, "symbol"),
            side=word(side, "side"),
            quantity=number(quantity, "quantity"),
            price=optional_number(price, "price"),
            reason=reason,
            decision_price=optional_number(decision_price, "decision_price"),
            arrival_mid=optional_number(arrival_mid, "arrival_mid"),
            strategy=strategy,
            model=model,
        )

    return _record("order_events", make)


def log_system_event(
    kind: str,
    message: str,
    *,
    severity: str = "info",
    details: Mapping[str, Any] | None = None,
    at: Moment | None = None,
    account: str | None = None,
    source: str | None = None,
    source_id: str | None = None,
) -> bool:
    """Record something that happened: a start, a stop, an error, a decision. Return whether it was taken."""

    def make() -> Event:
        return SystemEvent(
            at=moment(at),
            source=source or _default.source,
            source_id=source_id or uuid.uuid4().hex,
            account=account or _default.account,
            severity=word(severity, "severity"),
            kind=text(kind, "kind"),
            message=text(message, "message"),
            details=dict(details or {}),
        )

    return _record("system_events", make)


def record_metric(
    name: str,
    value: Amount,
    *,
    unit: str = "",
    at: Moment | None = None,
    account: str | None = None,
    source: str | None = None,
) -> bool:
    """Record a value under a name of your own; its read, its panel and its alerts need no code.

    `unit` is for people, such as ``USD`` or ``ms``; ``fraction`` is shown in per cent. It is the default account's
    unless another is named, and nobody's where there is none. Return whether it was taken.
    """

    def make() -> Event:
        return Metric(
            at=moment(at),
            source=source or _default.source,
            name=text(name, "name"),
            value=number(value, "value"),
            unit=unit,
            account=account or _default.account,
        )

    return _record("custom_metrics", make)


def _record(table: str, make: Callable[[], Event]) -> bool:
    recorder = _default.recorder
    if recorder is None:
        _report(table, "recorder", "not open: call init_database first")
        return False
    try:
        event = make()
        TABLES[type(event)].encode(event)  # here the caller can still be told
        recorder.record(event)
    except RecordRejected as error:
        recorder.reject(table, f"rejected {error.field}")
        _report(table, error.field, error.message)
        return False
    except Exception as error:  # noqa: BLE001 - the boundary to the bot: nothing it passes may come back as an error
        recorder.reject(table, "rejected")
        _report(table, "", describe(error))
        return False
    return True


def _report(table: str, name: str, reason: str) -> None:
    if (table, name) not in _default.reported:
        _default.reported.add((table, name))
        _log.error("event rejected", table=table, reason=reason)


def _account(account: str, source: str, currency: str, mode: str) -> Account:
    # As old as can be: it makes the account where there is none and never overwrites what is known of it.
    return Account(
        at=_SINCE_EVER, account=account, source=source, broker="unknown", label=account, currency=currency, mode=mode
    )


def _address(db_config: Address | Mapping[str, object] | str | None, resources: ExitStack) -> Address:
    if isinstance(db_config, Address):
        return db_config
    # Settings and the launcher of the embedded database are heavy, and bots that pass an Address need neither.
    from main.config import database_overrides, database_url, load_settings
    from main.database.connect import database_of

    if isinstance(db_config, str) and db_config.lstrip().startswith(("postgres:", "postgresql:")):
        try:
            overrides = {f"database.{name}": value for name, value in database_url.parts(db_config.strip()).items()}
        except ValueError as error:
            problem = Problem(f"a URL that cannot be used ({error})", database_url.EXPECTED, file="init_database")
            raise ConfigurationError(problem) from None
    else:
        overrides = database_overrides(db_config, "init_database") if db_config is not None else {}
    return resources.enter_context(database_of(load_settings(overrides)))


def _migrate(address: Address) -> None:
    """Migrate in a thread of its own: the caller may be inside an event loop."""
    failures: list[BaseException] = []

    def work() -> None:
        try:
            asyncio.run(migrate(address))
        except (DatabaseError, OSError) as error:
            failures.append(error)

    thread = threading.Thread(target=work, name="migrate", daemon=True)
    thread.start()
    thread.join(_MIGRATION_SECONDS)
    if failures:
        _log.warning("schema not checked, events wait until it is there", reason=describe(failures[0]))
