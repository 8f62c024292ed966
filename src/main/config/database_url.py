"""What does a database URL say about host, port, name, user, password and TLS?"""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

EXPECTED = "postgresql://user:password@host:port/name, with nothing but ?sslmode= behind it"

_PARAMETERS = {"sslmode": "tls", "host": "host", "port": "port", "user": "user", "password": "password"}


def parts(url: str) -> dict[str, Any]:
    """Return the settings that a URL states, by their names in `database`; what it leaves out is not there.

    Raises ValueError for what is no URL of PostgreSQL, or has a parameter that would be ignored.
    """
    split = urlsplit(url)
    found: dict[str, Any] = {
        "host": unquote(split.hostname or ""),
        "port": split.port,
        "name": unquote(split.path.removeprefix("/")),
        "user": unquote(split.username or ""),
        "password": unquote(split.password or ""),
    }
    for parameter, value in parse_qsl(split.query, strict_parsing=bool(split.query)):
        if parameter not in _PARAMETERS:
            raise ValueError(f"unknown parameter {parameter}")
        found[_PARAMETERS[parameter]] = int(value) if parameter == "port" else value
    if split.scheme not in {"postgresql", "postgres"} or split.fragment or not found["host"]:
        raise ValueError("not the URL of a PostgreSQL server")
    return {name: value for name, value in found.items() if value}


def checked(url: str) -> str:
    """Return the URL as it is, once it is known to be one; raises ValueError as `parts`."""
    parts(url)
    return url


def masked(text: str) -> str:
    """Return any text with the passwords of the URLs in it replaced by `***`."""
    scheme, separator, rest = text.partition("://")
    login, at, address = rest.rpartition("@")
    if not (separator and at):
        return text
    user = login.partition(":")[0]
    return f"{scheme}://{user}{':***' if ':' in login else ''}@{address}"
