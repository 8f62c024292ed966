"""Is a port free, and if not, whose is it?"""

import errno
import socket
import time

import psutil

from main.errors import ConfigurationError, PortInUse, Problem


def port_owner(port: int) -> str | None:
    """Return who listens on a TCP port, such as ``postgres, pid 4711``; ``None`` when nobody is seen there.

    Processes of other users cannot be seen without root.
    """
    try:
        listening = [
            each.pid
            for each in psutil.net_connections("tcp")
            if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port
        ]
        pid = next((pid for pid in listening if pid is not None), None)
        return None if pid is None else f"{psutil.Process(pid).name()}, pid {pid}"
    except psutil.Error:
        return None


def is_free(host: str, port: int) -> bool:
    """Tell whether a server could listen there now. Raises ConfigurationError for a host or port that is not ours."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as our servers do: TIME_WAIT is free
            attempt.bind(address)
            attempt.listen(1)  # two sockets may be bound to one port by SO_REUSEADDR, but only one may listen
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        raise _unusable(host, port, error) from error
    return True


def ensure_free(host: str, port: int, *, setting: str = "") -> None:
    """Raise PortInUse, naming the owner and the `setting` that moves us, unless a server could listen there now."""
    if not is_free(host, port):
        raise PortInUse(port, port_owner(port), setting=setting)


def listening_socket(host: str, port: int, *, setting: str = "", backlog: int = 128) -> socket.socket:
    """Return a socket that listens there. Raises PortInUse or ConfigurationError.

    A port that was let go a moment ago may need a moment more, so it is tried for a second.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for pause in (0.05, 0.1, 0.2, 0.3, 0.4, None):
        ensure_free(host, port, setting=setting)
        try:
            return socket.create_server((host, port), family=family, backlog=backlog)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise _unusable(host, port, error) from error
            if pause is not None:
                time.sleep(pause)
    raise PortInUse(port, port_owner(port), setting=setting)


def _unusable(host: str, port: int, error: OSError) -> ConfigurationError:
    if error.errno in (errno.EACCES, errno.EPERM):
        return ConfigurationError(Problem(got=f"port {port}", expected="a port from 1024 to 65535 (below needs root)"))
    return ConfigurationError(Problem(got=f"address {host}", expected=f"an address of this machine ({error.strerror})"))
