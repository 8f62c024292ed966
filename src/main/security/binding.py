"""May a server listen on this address, and with which options is it run?"""

import ipaddress
from typing import Any

from main.errors import ConfigurationError, Problem

LARGEST_FRAME = 64 * 1024
"""Bytes of one websocket message from a browser; a subscription to every panel takes about 3 KB."""


def is_loopback(host: str) -> bool:
    """Return whether an address or host name can only be reached from this machine."""
    if host.casefold() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def check_binding(host: str, users_exist: bool, *, setting: str = "host") -> None:
    """Accept an address to listen on.

    Raises `ConfigurationError`, naming `setting`, for an address that others can reach while there is no user.
    """
    if users_exist or is_loopback(host):
        return
    problem = Problem(
        got=f'"{host}"',
        expected="a loopback address (127.0.0.1, ::1 or localhost) as long as there is no user",
        key=setting,
        hint="without users whoever reaches this address would see every account; listen on 127.0.0.1 and come in "
        "through a tunnel, for example ssh -L 8080:localhost:8080 THIS-MACHINE",
    )
    raise ConfigurationError(problem)


def server_options() -> dict[str, Any]:
    """Return the keyword arguments of ``uvicorn.Config`` that every server of the suite is run with."""
    return {
        "server_header": False,
        # The guard itself judges forwarded requests; uvicorn would overwrite the peer's address with the header's.
        "proxy_headers": False,
        "ws_max_size": LARGEST_FRAME,
        "ws_per_message_deflate": False,  # 49 times the CPU, measured
        "timeout_graceful_shutdown": 3,  # or a stalled socket holds the process for ever
        "access_log": False,
    }
