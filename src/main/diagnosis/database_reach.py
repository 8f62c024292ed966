"""Does the database answer, how fast, in which version, and over an encrypted connection where it matters?"""

import ipaddress
import socket
import ssl
import statistics
import time
from typing import Any

import asyncpg

from main.database.address import Address
from main.database.session import reason_of
from main.diagnosis.asking import asking
from main.diagnosis.finding import Finding, failed, passed, skipped, warned
from main.diagnosis.situation import Situation
from main.text import latency

OLDEST, NEWEST = 15, 18
SLOW_CONNECT_SECONDS, SLOW_ROUND_TRIP_SECONDS = 1.0, 0.05
"""A page asks a few questions one after the other: with slower ones it is noticeably late."""

_ROUND_TRIPS = 5
_TLS = "SELECT ssl, version, cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
_REMEDIES: tuple[tuple[type[BaseException], str], ...] = (
    # A wrong password is one of them.
    (asyncpg.InvalidAuthorizationSpecificationError, "correct DB_USER and DB_PASSWORD, or allow it in pg_hba.conf"),
    (asyncpg.TooManyConnectionsError, "end idle connections, raise max_connections, or lower database.pool_size"),
    (asyncpg.CannotConnectNowError, "wait until it has started or recovered, then: ai_trader.py doctor"),
    (socket.gaierror, "correct DB_HOST: this machine knows no such name"),
    (ssl.SSLError, "correct sslmode in DATABASE_URL, or the server's certificate"),
    (TimeoutError, "correct DB_HOST and DB_PORT, open the firewall, or raise database.connect_timeout"),
)


async def reach(situation: Situation) -> list[Finding]:
    """Connect as the dashboards do, and past the pooler where there is one; note where nothing more can be asked."""
    if situation.broken_database:
        return [failed("database", situation.broken_database, "do what it says, then: ai_trader.py doctor --start")]
    if situation.address is None:
        return [skipped("database", situation.no_database, situation.no_database_fix)]
    found = []
    ways = {"database": situation.address}
    if situation.direct != situation.address:
        ways["database, direct"] = situation.direct
    for check, address in ways.items():
        try:
            found += await _one_way(check, address)
        except Exception as error:  # noqa: BLE001  # a boundary: whatever keeps us from it is what is to be told
            found.append(_unreachable(check, address, error))
            situation.address = None
            break
    return found


async def _one_way(check: str, address: Address) -> list[Finding]:
    began = time.perf_counter()
    async with asking(address) as connection:
        connected = time.perf_counter() - began
        times = []
        for _ in range(_ROUND_TRIPS):
            asked = time.perf_counter()
            await connection.fetchval("SELECT 1")
            times.append(time.perf_counter() - asked)
        trip = statistics.median(times)
        seen = f"{address}: connected in {latency(connected)}, round trip {latency(trip)}"
        slow = connected > SLOW_CONNECT_SECONDS or trip > SLOW_ROUND_TRIP_SECONDS
        fix = "put the dashboards nearer to the database, or look at its load: ai_trader.py db status"
        speed = warned(check, seen, fix) if slow else passed(check, seen)
        return [speed, _version(connection.get_server_version()), await _encryption(connection, address)]


def _version(version: Any) -> Finding:
    told = f"PostgreSQL {version.major}.{version.minor}"
    if version.major < OLDEST:
        return failed("version", told, f"upgrade PostgreSQL to {OLDEST} or newer, up to {NEWEST}")
    if version.major > NEWEST:
        return warned("version", f"{told}, not tested", f"use PostgreSQL {OLDEST} to {NEWEST}, or a newer AI Trader")
    return passed("version", told)


async def _encryption(connection: Any, address: Address) -> Finding:
    row = await connection.fetchrow(_TLS)
    if row is not None and row["ssl"]:
        told = f"{row['version']}, {row['cipher']} (asked for: {address.tls})"
        if address.tls in ("verify-ca", "verify-full") or _is_near(address):
            return passed("encryption", told)
        fix = "DATABASE_URL=postgresql://…?sslmode=verify-full with the server's certificate authority installed"
        return warned("encryption", f"{told}; nobody checks who the server is", fix)
    if _is_near(address):
        return passed("encryption", f"none, and none needed: the server is on this machine (asked for: {address.tls})")
    fix = "turn ssl on in postgresql.conf, then DATABASE_URL=postgresql://…?sslmode=verify-full"
    return warned("encryption", f"none to {address.host}: password and figures can be read on the way", fix)


def _is_near(address: Address) -> bool:
    """Tell whether nothing leaves this machine."""
    if address.others:
        return False
    if address.host.startswith("/") or address.host == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.host).is_loopback
    except ValueError:
        return False


def _unreachable(check: str, address: Address, error: Exception) -> Finding:
    return failed(check, f"{address}: {reason_of(error)}", _remedy(address, error))


def _remedy(address: Address, error: Exception) -> str:
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return f'createdb --owner "{address.user}" "{address.database}", or correct DB_NAME'
    known = (fix for kind, fix in _REMEDIES if isinstance(error, kind))
    return next(known, "start PostgreSQL there, or correct DB_HOST and DB_PORT")
