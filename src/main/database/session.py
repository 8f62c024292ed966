"""How is one connection to the database made: to the server that can be written, with a limit on every wait?"""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

import asyncpg

from main.database.address import Address

STAGGER_SECONDS = 0.5
"""So long a server is given before the next of several is tried beside it: one without power never says no."""

KEEPALIVE = {
    # The server must notice that our machine is gone, or its slots stay taken for two hours, the system's default.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "25000",
}

UNREACHABLE = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InternalClientError,  # used in the instant between the server's last word and the end of the connection
    asyncpg.ObjectNotInPrerequisiteStateError,  # "database is not currently accepting connections"
)
"""What means "no server to talk to". `TimeoutError` is an `OSError` too and is told apart where it is caught."""


async def connect(
    address: Address,
    application_name: str,
    *,
    command_seconds: float | None = None,
    settings: Mapping[str, str] | None = None,
    **options: Any,
) -> asyncpg.Connection:
    """Connect to the server of `address` that can be written; with one server only, to that, whatever it can.

    `command_seconds` limits every command on our side (default: the address's statement limit). `settings` are the
    session's; an address behind a pooler has none, for there a session is anybody's. Raise one of `UNREACHABLE`, or
    ``TimeoutError`` after the address's connect limit.
    """
    server_settings = {"application_name": application_name}
    if not address.pooled:
        server_settings |= {**KEEPALIVE, **(settings or {})}
    chosen = options | {
        "timeout": address.limits.connect_seconds,
        "command_timeout": command_seconds or address.limits.statement_seconds,
        "statement_cache_size": 0 if address.pooled else 100,
    }
    try:
        return await _connect(address, server_settings, chosen)
    except asyncpg.ProtocolViolationError as error:
        if "startup parameter" not in str(error):
            raise
        # A pooler that the settings do not tell of: it knows no settings of a session.
        return await _connect(address, {"application_name": application_name}, chosen | {"statement_cache_size": 0})


def reason_of(error: BaseException) -> str:
    """Return why there is no connection, in words."""
    if isinstance(error, TimeoutError) and not str(error):
        return "it does not answer in time"
    return str(error) or type(error).__name__


async def _connect(address: Address, settings: Mapping[str, str], options: Mapping[str, Any]) -> asyncpg.Connection:
    if not address.others:
        return await _one(address, address.places[0], settings, options)
    return await _first_writable(address, settings, {**options, "target_session_attrs": "read-write"})


async def _one(
    address: Address, place: tuple[str, int], settings: Mapping[str, str], options: Mapping[str, Any]
) -> asyncpg.Connection:
    host, port = place
    arguments = address.connect_arguments() | {"host": host, "port": port, "server_settings": dict(settings)}
    limits = {name: options[name] for name in ("timeout", "command_timeout")}
    others = {name: value for name, value in options.items() if name not in limits}
    return await asyncpg.connect(
        **arguments, **others, timeout=limits["timeout"], command_timeout=limits["command_timeout"]
    )


async def _first_writable(
    address: Address, settings: Mapping[str, str], options: Mapping[str, Any]
) -> asyncpg.Connection:
    waiting = list(address.places)
    trying: dict[asyncio.Task[asyncpg.Connection], tuple[str, int]] = {}
    refused: dict[tuple[str, int], BaseException] = {}
    try:
        while waiting or trying:
            if waiting:
                place = waiting.pop(0)
                trying[asyncio.ensure_future(_one(address, place, settings, options))] = place
            patience = STAGGER_SECONDS if waiting else None
            done, _ = await asyncio.wait(trying, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                place = trying.pop(task)
                if (error := task.exception()) is None:
                    return task.result()
                refused[place] = error
    finally:
        await _abandon(trying)
    raise _all_refused(refused)


async def _abandon(trying: Mapping["asyncio.Task[asyncpg.Connection]", object]) -> None:
    """End the attempts that are not needed, and the connections that two of them may have made at once."""
    for task in trying:
        task.cancel()
    for outcome in await asyncio.gather(*trying, return_exceptions=True):
        if not isinstance(outcome, BaseException):
            with contextlib.suppress(Exception):
                outcome.terminate()


def _all_refused(refused: Mapping[tuple[str, int], BaseException]) -> BaseException:
    for error in refused.values():
        if isinstance(error, asyncpg.TooManyConnectionsError):
            return error
    told = "; ".join(f"{host}:{port}: {_refusal(error)}" for (host, port), error in refused.items())
    return ConnectionRefusedError(f"no server that can be written ({told})")


def _refusal(error: BaseException) -> str:
    return "read-only" if isinstance(error, asyncpg.TargetServerAttributeNotMatched) else reason_of(error)
