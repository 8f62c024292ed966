"""Which routes exist, by which methods, and who may use them? What is not in a table is denied.

A path is authorised exactly as the server decoded it (``scope["path"]``), and only in its one plain form: no empty,
``.`` or ``..`` segment, no character outside a small alphabet. So no second spelling of a listed path can reach a route
that the table does not name, and there is nothing to normalise and to get wrong.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Access = Literal["public", "viewer", "operator", "internal"]
"""``public`` needs no login, ``internal`` an identified caller on this machine (our own processes among themselves)."""

WEBSOCKET = "WEBSOCKET"
"""The method under which a table lists a websocket route."""

_SEGMENT = r"(?!\.{1,2}(?:/|\Z))[A-Za-z0-9_.~@+=,-]+"
_PLACEHOLDER = re.compile(r"\{[a-z_]+(?P<rest>:path)?\}")


def _expression(path: str) -> str:
    parts: list[str] = []
    position = 0
    for placeholder in _PLACEHOLDER.finditer(path):
        parts.append(re.escape(path[position : placeholder.start()]))
        parts.append(f"{_SEGMENT}(?:/{_SEGMENT})*" if placeholder["rest"] else _SEGMENT)
        position = placeholder.end()
    return "".join((*parts, re.escape(path[position:])))


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table: ``{name}`` in the path stands for one segment, ``{name:path}`` at its end for one or more.

    A rule for GET holds for HEAD too. Letters' case counts. ``programs``: meant for programs, which name no origin, for
    its websocket too; what a browser sends must come from our own pages whatever the method, because a GET opens a
    session there.
    """

    path: str
    methods: tuple[str, ...]
    access: Access
    programs: bool = False
    _pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_pattern", re.compile(_expression(self.path)))

    def covers(self, path: str) -> bool:
        """Return whether the rule is about `path`."""
        return self._pattern.fullmatch(path) is not None

    def allows(self, method: str) -> bool:
        """Return whether the rule admits `method`."""
        return method in self.methods or (method == "HEAD" and "GET" in self.methods)


@dataclass(frozen=True, slots=True)
class Policy:
    """A table of routes; the first rule that covers a path and allows the method decides."""

    rules: tuple[Rule, ...]

    def __post_init__(self) -> None:
        seen: set[tuple[str, str]] = set()
        for rule in self.rules:
            for method in rule.methods:
                if (rule.path, method) in seen:
                    raise ValueError(f"the route table lists {method} {rule.path} twice: keep one of the two rules")
                seen.add((rule.path, method))

    def rule_for(self, path: str, method: str) -> Rule | None:
        """Return the rule that admits the request, ``None`` when it is denied."""
        return next((rule for rule in self.rules if rule.allows(method) and rule.covers(path)), None)

    def methods_of(self, path: str) -> tuple[str, ...]:
        """Return the HTTP methods that `path` may be asked with, sorted; empty for a path that is not listed."""
        listed = {method for rule in self.rules if rule.covers(path) for method in rule.methods if method != WEBSOCKET}
        return tuple(sorted(listed | ({"HEAD"} if "GET" in listed else set())))


def service_policy(*extra: Rule) -> Policy:
    """Return the table of a process without pages: manager, worker and a bot's health server."""
    return Policy((*PROBES, *extra))


def dashboard_policy(pages: Iterable[str], *extra: Rule) -> Policy:
    """Return the table of a dashboard: `pages` are its page paths beside ``/``, `extra` the routes of its own."""
    paths = dict.fromkeys(("/", *pages))
    return Policy((*PROBES, *API, *DASH, *(Rule(path, ("GET",), "viewer") for path in paths), *extra))


# A prober of an orchestrator has no login, and learns one word; whoever wants the details has to be somebody.
PROBES = (
    Rule("/livez", ("GET",), "public"),
    Rule("/readyz", ("GET",), "public"),
    Rule("/health", ("GET",), "viewer"),
    Rule("/metrics", ("GET",), "viewer"),
    Rule("/status", ("GET",), "viewer"),
)
API = (
    Rule("/openapi.json", ("GET",), "viewer"),
    Rule("/api/reads", ("GET",), "viewer"),
    Rule("/api/reads/{name}", ("GET",), "viewer"),
    Rule("/api/export/{name}", ("GET",), "viewer"),
    # Until there are users, and tokens for programs, only what runs on this machine may write.
    Rule("/api/record", ("POST",), "internal"),
    Rule("/api/balance", ("POST",), "internal"),
    Rule("/api/alerts/acknowledge", ("POST",), "operator"),
    Rule("/api/trades/notes", ("PUT",), "operator"),
    Rule("/v2", ("GET",), "viewer"),
    Rule("/ws", (WEBSOCKET,), "viewer"),
)
# Dash registers more than its pages need: a catch-all and, unless switched off, a socket of its own. They stay shut.
DASH = (
    Rule("/_dash-layout", ("GET",), "viewer"),
    Rule("/_dash-dependencies", ("GET",), "viewer"),
    Rule("/_dash-update-component", ("POST",), "viewer"),
    Rule("/_dash-component-suites/{package_name}/{fingerprinted_path:path}", ("GET",), "viewer"),
    Rule("/_reload-hash", ("GET",), "viewer"),
    Rule("/_favicon.ico", ("GET",), "viewer"),
    Rule("/assets/{file:path}", ("GET",), "viewer"),
)
