"""Which database do the settings mean: the embedded one, kept running while it is used, or one outside."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from main.config import Settings
from main.database.address import Address, Limits
from main.database.embedded import EmbeddedServer


@contextmanager
def database_of(settings: Settings) -> Iterator[Address]:
    """Yield the address of the settings' database.

    The embedded one is started unless it runs, and stays up at least as long as the context is open. An outside one
    is not contacted here: it may be down for now. Raise `EmbeddedDatabaseError`.
    """
    if settings.database.embedded:
        with EmbeddedServer(settings.data_dir).acquire() as lease:
            yield replace(lease.address, limits=limits_of(settings))
    else:
        yield outside_address(settings)


def outside_address(settings: Settings) -> Address:
    """Return the address of the database outside that the settings name."""
    chosen = settings.database
    if not chosen.places:
        raise ValueError("the settings mean the embedded database: use database_of, which starts it")
    password = chosen.password.get_secret_value() if chosen.password is not None else None
    (host, port), *others = chosen.places
    return Address(
        host,
        port,
        chosen.name,
        chosen.user,
        password,
        chosen.tls,
        others=tuple(others),
        pooled=chosen.direct_url is not None,
        limits=limits_of(settings),
    )


def limits_of(settings: Settings) -> Limits:
    """Return how patient the settings want a process to be."""
    chosen = settings.database
    return Limits(chosen.connect_timeout, chosen.statement_timeout, chosen.pool_size)
