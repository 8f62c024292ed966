"""What may stand in a setting: each kind of value with the words that tell the user what was expected."""

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, WrapValidator
from pydantic_core import PydanticCustomError

from main.config import database_url
from main.config.signing_key import SHORTEST_SECRET, is_weak

EXPECTED = "expected"  # the error type whose message is what was expected

_ACCOUNT = r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}"  # as domain.scope: ids are quoted into SQL, so nothing else may pass


def expecting(words: str) -> WrapValidator:
    """Replace whatever a validator says by the one thing the user needs: what was expected."""

    def check(value: object, handler: Callable[[object], object]) -> object:
        try:
            if not isinstance(value, bool):  # YAML's `yes` would otherwise pass as the number 1
                return handler(value)
        except (ValidationError, ValueError):
            pass
        raise PydanticCustomError(EXPECTED, "{words}", {"words": words})

    return WrapValidator(check)


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.password:
        raise ValueError
    return value.rstrip("/")


def _zone(value: str) -> str:
    try:
        return ZoneInfo(value).key
    except (KeyError, OSError) as error:
        raise ValueError from error


def _known_home(value: Path) -> Path:
    if value.parts[:1] and value.parts[0].startswith("~"):
        raise ValueError
    return value


def _named(value: object) -> object:
    if value == "":  # to Path, nothing is the working directory
        raise ValueError
    return value


def _hosts(value: str) -> str:
    if any(not re.fullmatch(r"[^\s\x00-\x1f\x7f/@?#]+|/[^\s\x00-\x1f\x7f@?#]+", host) for host in value.split(",")):
        raise ValueError
    return value


def _ports(value: object) -> int | str:
    ports = [int(port) for port in str(value).split(",")]
    if not all(0 < port < 65536 for port in ports):
        raise ValueError
    return ports[0] if len(ports) == 1 else ",".join(map(str, ports))


def _strong(value: SecretStr) -> SecretStr:
    if is_weak(value.get_secret_value()):
        raise ValueError
    return value


def _redis(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
        raise ValueError
    return value


Port = Annotated[int, Field(ge=1, le=65535), expecting("a port from 1 to 65535")]
Count = Annotated[int, Field(ge=1, le=1_000_000), expecting("a whole number from 1 to 1000000")]
Days = Annotated[int, Field(ge=1, le=36_500), expecting("a whole number of days from 1 to 36500")]
HistoryDays = Annotated[int, Field(ge=0, le=3660), expecting("a whole number of days from 0 (none) to 3660")]
PoolSize = Annotated[int, Field(ge=2, le=200), expecting("a whole number from 2 to 200")]
Seed = Annotated[int, Field(ge=0, lt=2**63), expecting("a whole number from 0 to 2^63 - 1")]
Interval = Annotated[
    float, Field(ge=0.1, le=3600, allow_inf_nan=False), expecting("a number of seconds from 0.1 to 3600")
]
Period = Annotated[int, Field(ge=60, le=31_536_000), expecting("a whole number of seconds from 60 to 31536000")]
Speed = Annotated[
    float, Field(gt=0, le=1_000_000, allow_inf_nan=False), expecting("a number above 0, in bars a second")
]
Limit = Annotated[Decimal, Field(gt=0, allow_inf_nan=False), expecting("a number above 0")]
PeriodsPerYear = Annotated[int, Field(ge=1, le=366), expecting("trading days a year: 252 (equities) or 365 (crypto)")]
Text = Annotated[
    str,
    Field(pattern=r"^\P{Cc}+$", max_length=200),  # control characters could steer the terminal that shows them
    expecting("a text of 1 to 200 printable characters"),
]
HostName = Annotated[
    str,
    Field(pattern=r"^[^\s\p{Cc}/@?#]+$|^/[^\s\p{Cc}@?#]+$"),
    expecting("a host name, an IP address or the folder of a socket"),
]
DatabaseHosts = Annotated[
    str,
    AfterValidator(_hosts),
    expecting("a host name, an IP address or the folder of a socket; several are separated by commas"),
]
DatabasePorts = Annotated[
    int | str, AfterValidator(_ports), expecting("a port from 1 to 65535, or one for each host: 5432,5433")
]
Account = Annotated[
    str, Field(pattern=rf"^{_ACCOUNT}$"), expecting("an account id: letters, digits and _ . @ -, at most 64")
]
AccountList = Annotated[
    str,
    Field(pattern=rf"^{_ACCOUNT}(,{_ACCOUNT})*$"),
    expecting("an account id: letters, digits and _ . @ -, at most 64; several are separated by commas"),
]
Currency = Annotated[
    str, Field(pattern=r"^[A-Z][A-Z0-9]{2,9}$"), expecting("a currency code in capitals, for example USD or USDT")
]
Zone = Annotated[str, AfterValidator(_zone), expecting("a time zone, for example UTC or Asia/Kolkata")]
WebAddress = Annotated[
    str, AfterValidator(_web_address), expecting("an http:// or https:// address without user or password")
]
Folder = Annotated[Path, BeforeValidator(_named), AfterValidator(_known_home), expecting("a folder")]
Password = Annotated[SecretStr, expecting("a text")]
StrongSecret = Annotated[
    SecretStr,
    AfterValidator(_strong),
    expecting(
        f"at least {SHORTEST_SECRET} random characters, no placeholder (or nothing: then a key is made and kept)"
    ),
]
DatabaseAddress = Annotated[
    SecretStr,
    AfterValidator(lambda value: SecretStr(database_url.checked(value.get_secret_value()))),
    expecting(database_url.EXPECTED),
]
ResourceAddress = Annotated[
    SecretStr, AfterValidator(_redis), expecting("an address such as redis://host:6379/0 (rediss:// with TLS)")
]
TlsMode = Annotated[
    str,
    Field(pattern=r"^(disable|allow|prefer|require|verify-ca|verify-full)$"),
    expecting("disable, allow, prefer, require, verify-ca or verify-full"),
]
RollOver = Annotated[
    timedelta,
    Field(ge=timedelta(0), lt=timedelta(days=1)),
    expecting('a time of day such as "17:00:00"'),
]
EmptyList = Annotated[tuple[()], expecting("an empty list: this version reads nothing here yet")]
