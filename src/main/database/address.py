"""Where does a PostgreSQL server answer, as whom does one log in, and how long does one wait for it?"""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Limits:
    """How patient a process is with its database and how many connections it asks with: ``database.*`` of the settings.

    Each is a default: who knows better for one connection says so where it is made.
    """

    connect_seconds: float = 5.0  # database.connect_timeout: for a connection, and for a free one of the pool
    statement_seconds: float = 10.0  # database.statement_timeout
    pool_size: int = 8  # database.pool_size


@dataclass(frozen=True, slots=True)
class Address:
    """One database on one server; ``host`` is a name, an IP address, or the directory of a unix socket.

    ``others`` are the servers that may take over from it: whichever can be written is connected to.
    """

    host: str
    port: int
    database: str
    user: str
    password: str | None = field(default=None, repr=False)
    tls: str = "prefer"  # libpq's sslmode
    others: tuple[tuple[str, int], ...] = ()
    pooled: bool = False  # a transaction-pooling PgBouncer answers there: nothing may live in a session
    limits: Limits = field(default=Limits(), compare=False, repr=False)

    @property
    def places(self) -> tuple[tuple[str, int], ...]:
        """Host and port of every server that may be the one to write to, in the order in which they are tried."""
        return ((self.host, self.port), *self.others)

    @property
    def dsn(self) -> str:
        """The address as a URL **with** its password: for environments and pipes, never for logs or argv."""
        login = quote(self.user, safe="")
        if self.password is not None:
            login += ":" + quote(self.password, safe="")
        database = quote(self.database, safe="")
        if self.host.startswith("/"):
            return f"postgresql://{login}@/{database}?host={quote(self.host, safe='')}&port={self.port}"
        places = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.places)
        return f"postgresql://{login}@{places}/{database}?sslmode={self.tls}"

    def connect_arguments(self) -> dict[str, Any]:
        """Return asyncpg's keyword arguments for the first of its servers; `session.connect` knows them all."""
        return {
            "host": self.host,
            "port": self.port,
            "database": self.database,
            "user": self.user,
            "password": self.password,
            "ssl": self.tls,
        }

    def __str__(self) -> str:
        return f"{self.user}@{','.join(f'{host}:{port}' for host, port in self.places)}/{self.database}"
