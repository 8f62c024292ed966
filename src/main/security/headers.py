"""What does every answer tell the browser not to do?"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

Header = tuple[bytes, bytes]

_FIXED: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    # Not "no-referrer": browsers then send "Origin: null" with a form of our own, which the guard refuses.
    (b"referrer-policy", b"same-origin"),
    (
        b"permissions-policy",
        b"accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), "
        b"microphone=(), midi=(), payment=(), usb=()",
    ),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_NEVER = frozenset({b"server", b"x-powered-by"})  # what we run is nobody's business who cannot log in
_OURS = frozenset({b"content-security-policy", *(name for name, _ in _FIXED)}) | _NEVER


def content_security_policy(script_hashes: Iterable[str] = (), host: str = "") -> str:
    """Return the policy of a page: everything from this server, nothing inline but the scripts whose hashes are given.

    `script_hashes` are quoted sources such as ``'sha256-…'``; `host` (a checked ``Host``) is where sockets may go.
    """
    # 'self' covers sockets of the same host in today's browsers; Safari before 15.4 needs them named.
    sockets = f" ws://{host} wss://{host}" if host else ""
    directives = (
        "default-src 'none'",
        " ".join(("script-src 'self'", *script_hashes)),
        # Mantine and Plotly write style attributes and elements at run time; a nonce does not cover attributes.
        "style-src 'self' 'unsafe-inline'",
        # data: for the icons inside the style sheets, blob: for Plotly's "download as image".
        "img-src 'self' data: blob:",
        "font-src 'self'",
        f"connect-src 'self'{sockets}",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    )
    return "; ".join(directives)


class SecurityHeaders:
    """The headers of one application; the script hashes are asked for once, at the first answer.

    They may be given as a function, because Dash knows its inline scripts only when the last callback is registered.
    """

    def __init__(self, script_hashes: Sequence[str] | Callable[[], Sequence[str]] = ()) -> None:
        self._script_hashes = script_hashes
        self._for_host = lru_cache(maxsize=64)(self._built)  # the hosts are checked ones, but their ports are free

    def around(self, headers: Iterable[Header], host: str = "") -> list[Header]:
        """Return an answer's headers with ours in place of its own; private and uncached unless it says otherwise."""
        kept = [(name.lower(), value) for name, value in headers if name.lower() not in _OURS]
        if not any(name == b"cache-control" for name, _ in kept):
            kept.append((b"cache-control", b"no-store"))
        return [*kept, *self._for_host(host)]

    def _built(self, host: str) -> tuple[Header, ...]:
        if callable(self._script_hashes):
            self._script_hashes = tuple(self._script_hashes())
        policy = content_security_policy(self._script_hashes, host)
        return (*_FIXED, (b"content-security-policy", policy.encode("ascii")))
