"""How does a user's own code reach the database: like an asyncpg pool, but only the viewer's accounts are there."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from functools import partial
from typing import Any

import asyncpg

from main.config import Settings, database_overrides, load_settings
from main.config.database_url import parts
from main.database.address import Address
from main.database.connect import database_of, outside_address
from main.database.keeper import direct_address
from main.database.pool import Database
from main.errors import ConfigurationError, Problem
from main.security.viewer import current_viewer

AddressSource = Callable[[], AbstractContextManager[Address]]


class DatabaseFacade:
    """``db_pool`` of a dashboard. The pool behind it belongs to the bridge's loop: use it from `_run_async` only."""

    def __init__(self, opened: Callable[[], Awaitable[Database]]) -> None:
        self._opened = opened

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[asyncpg.Connection]:
        """Yield a connection inside a transaction that sees the viewer's accounts; outside a request, all of them.

        A transaction of the caller's own becomes a savepoint. Raise `DatabaseUnreachable` or `DatabaseTimeout`.
        """
        database = await self._opened()
        accounts = await database.account_ids()
        viewer = current_viewer.get()
        visible = accounts if viewer is None else viewer.visible(accounts)
        async with database.transaction(visible) as connection:
            yield connection


def settings_and_address(given: object, settings: Settings | None) -> tuple[Settings, AddressSource]:
    """Return the settings and where the database is, from what a dashboard was made with.

    `given` is an asyncpg pool (it belongs to its caller's loop and serves as an address), an `Address`, a mapping with
    the keys of ``--config``, `Settings`, or ``None`` for the settings' own database. Connects nowhere. Raise
    `ConfigurationError`.
    """
    if isinstance(given, Mapping):
        settings = load_settings(database_overrides(given, "the database configuration"))
    elif isinstance(given, Settings):
        settings = given
    chosen = settings or load_settings()
    if isinstance(given, Address):
        return chosen, lambda: nullcontext(given)
    if isinstance(given, asyncpg.Pool):
        address = pool_address(given, chosen)
        return chosen, lambda: nullcontext(address)
    if given is None or isinstance(given, Mapping | Settings):
        return chosen, lambda: database_of(chosen)
    expected = "an asyncpg pool, an Address, a mapping with host, port, database and user, Settings, or nothing"
    raise ConfigurationError(Problem(type(given).__name__, expected, "db_pool"))


def past_pooler(given: object, settings: Settings) -> Callable[[Address], Address]:
    """Return how to come from a database's address to the one for LISTEN and migrations, past a connection pooler.

    Only the settings' own database has one: an address or a pool that was `given` is used for everything.
    """
    if isinstance(given, Address | asyncpg.Pool):
        return lambda address: address
    return partial(direct_address, settings)


def pool_address(pool: asyncpg.Pool, settings: Settings) -> Address:
    """Return the server that a pool connects to; what the pool leaves to the environment is taken from the settings."""
    stated_to_pool: Any = pool  # asyncpg has no public way to ask; tests/unit pins these two names
    arguments: dict[str, Any] = dict(stated_to_pool._connect_kwargs)
    dsn = arguments.pop("dsn", None) or next(iter(stated_to_pool._connect_args), None)
    stated = parts(dsn) if dsn else {}
    stated |= {
        ours: arguments[theirs]
        for theirs, ours in (("host", "host"), ("port", "port"), ("user", "user"), ("password", "password"))
        if arguments.get(theirs) is not None
    }
    if arguments.get("database") is not None:
        stated["name"] = arguments["database"]
    if "host" not in stated and not settings.database.embedded:
        return outside_address(settings)
    return Address(
        host=_first(stated.get("host", "localhost")),
        port=int(_first(stated.get("port", 5432))),
        database=stated.get("name") or stated.get("user") or settings.database.name,
        user=stated.get("user") or settings.database.user,
        password=stated.get("password"),
        tls=arguments["ssl"] if isinstance(arguments.get("ssl"), str) else stated.get("tls", "prefer"),
    )


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list | tuple) else value
