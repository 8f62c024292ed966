"""A TCP proxy in a thread of its own that stops, cuts and swallows traffic on command."""

from tests.chaos.fault_proxy import FaultProxy


class TcpProxy(FaultProxy):
    """Stands between a client and PostgreSQL; `address` is what the client connects to."""

    def freeze(self, frozen: bool = True, *, both: bool = False) -> None:
        """Let the server's answers through no more, and with `both` no questions: the connection is open and silent."""
        super().freeze(frozen, ("down",))
        super().freeze(frozen and both, ("up",))
