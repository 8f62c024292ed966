"""What does a database URL say about hosts, port, name, user, password and TLS?"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

EXPECTED = "postgresql://user:password@host:port/name (several host:port separated by commas), at most with ?sslmode="

_PARAMETERS = {"sslmode": "tls", "host": "host", "port": "port", "user": "user", "password": "password"}
_WRITABLE = {"read-write", "primary"}  # of several hosts the one that can be written is used, whether said or not


def parts(url: str) -> dict[str, Any]:
    """Return the settings that a URL states, by their names in `database`; what it leaves out is not there.

    Several hosts are one text with commas, and so are their ports where they differ. Raises ValueError for what is no
    URL of PostgreSQL, or has a parameter that would be ignored.
    """
    split = urlsplit(url)
    login, _, places = split.netloc.rpartition("@")
    user, _, password = login.partition(":")
    hosts = list(_places(places))
    found: dict[str, Any] = {
        "host": ",".join(host for host, _ in hosts),
        "port": _ports([port for _, port in hosts]),
        "name": unquote(split.path.removeprefix("/")),
        "user": unquote(user),
        "password": unquote(password),
    }
    for parameter, value in parse_qsl(split.query, strict_parsing=bool(split.query)):
        if parameter == "target_session_attrs" and value in _WRITABLE:
            continue
        if parameter not in _PARAMETERS:
            raise ValueError(f"unknown parameter {parameter}")
        found[_PARAMETERS[parameter]] = _number(value) if parameter == "port" else value
    if split.scheme not in {"postgresql", "postgres"} or split.fragment or not found["host"]:
        raise ValueError("not the URL of a PostgreSQL server")
    return {name: value for name, value in found.items() if value}


def _places(text: str) -> Iterator[tuple[str, int | None]]:
    """Take ``a:5432,[::1]:5433`` apart; ``None`` where no port is said."""
    for place in text.split(","):
        bracketed, bracket, behind = place.removeprefix("[").partition("]")
        host, _, port = (bracketed, "", behind.removeprefix(":")) if bracket else place.partition(":")
        if port and not 0 < int(port) < 65536:
            raise ValueError("not a port")
        yield unquote(host), int(port) if port else None


def _ports(stated: list[int | None]) -> int | str | None:
    if len(set(stated)) == 1:
        return stated[0]
    return ",".join(str(port or 5432) for port in stated)


def _number(value: str) -> int | str:
    return value if "," in value else int(value)


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
