"""Who sends a request?"""

from typing import TYPE_CHECKING, Protocol

from main.errors import AccessDenied
from main.security.binding import is_loopback
from main.security.viewer import Viewer

if TYPE_CHECKING:
    from starlette.types import Scope

_FORWARDED = frozenset({b"forwarded", b"x-forwarded-for", b"x-real-ip"})


class Authenticator(Protocol):
    """Tells who sends a request. It is asked for every request, also for public routes."""

    async def identify(self, scope: "Scope") -> Viewer | None:
        """Return the viewer, or ``None`` for one who has not logged in; raise `AccessDenied` to turn anybody away."""
        ...


class OpenOnLoopback:
    """While there is no user: whoever works on this machine is the operator of every account, nobody else gets in."""

    def __init__(self) -> None:
        self._viewer = Viewer("local", "operator")

    async def identify(self, scope: "Scope") -> Viewer:
        """Return the local operator; raise `AccessDenied` for a caller on, or forwarded from, another machine."""
        peer = peer_of(scope)
        if not is_loopback(peer):
            raise AccessDenied(f"there is no user yet, so only this machine may look; this request came from {peer}")
        # A proxy on this machine would open it to all its own visitors: its requests come from loopback too.
        if any(name in _FORWARDED for name, _ in scope["headers"]):
            raise AccessDenied(
                "there is no user yet, so only this machine may look; this request was forwarded by a proxy; "
                "use a tunnel such as ssh -L instead"
            )
        return self._viewer


def peer_of(scope: "Scope") -> str:
    """Return the address at the other end of the connection; empty where the server does not know it."""
    client = scope.get("client")
    return str(client[0]) if client else ""
