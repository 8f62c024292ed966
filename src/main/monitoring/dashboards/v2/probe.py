"""Does a service answer over HTTP, and how fast? Asked by those who supervise; the worker asks bots the same way."""

from main.telemetry.asking import Reply, ask, reachable_host

__all__ = ["Reply", "ask", "reachable_host"]
