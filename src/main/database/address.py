"""Where does a PostgreSQL server answer, and as whom does one log in?"""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Address:
    """One database on one server; ``host`` is a name, an IP address, or the directory of a unix socket."""

    host: str
    port: int
    database: str
    user: str
    password: str | None = field(default=None, repr=False)
    tls: str = "prefer"  # libpq's sslmode

    @property
    def dsn(self) -> str:
        """The address as a URL **with** its password: for environments and pipes, never for logs or argv."""
        login = quote(self.user, safe="")
        if self.password is not None:
            login += ":" + quote(self.password, safe="")
        database = quote(self.database, safe="")
        if self.host.startswith("/"):
            return f"postgresql://{login}@/{database}?host={quote(self.host, safe='')}&port={self.port}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"postgresql://{login}@{host}:{self.port}/{database}?sslmode={self.tls}"

    def connect_arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of ``asyncpg.connect`` and ``asyncpg.create_pool``."""
        return {
            "host": self.host,
            "port": self.port,
            "database": self.database,
            "user": self.user,
            "password": self.password,
            "ssl": self.tls,
        }

    def __str__(self) -> str:
        return f"{self.user}@{self.host}:{self.port}/{self.database}"
