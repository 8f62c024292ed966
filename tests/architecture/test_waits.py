"""Every wait on a network has a limit: each place that waits is found in the source, and must have one or a reason."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src" / "main"

MADE_IN_ONE_PLACE = {
    "asyncpg.connect": "database/session.py",  # with the limits of the address
    "asyncpg.create_pool": "database/lender.py",
}
LIMITED_BY_KEYWORD = {
    "asyncpg.connect": {"timeout", "command_timeout"},
    "asyncpg.create_pool": {"timeout", "command_timeout"},
    "urllib.request.urlopen": {"timeout"},
    "urlopen": {"timeout"},
    "socket.create_connection": {"timeout"},
    "httpx.AsyncClient": {"timeout"},
    "httpx.Client": {"timeout"},
    "requests.get": {"timeout"},
    "requests.post": {"timeout"},
}
LIMITED_BY_CONTEXT = ("asyncio.open_connection", "asyncio.open_unix_connection", "pool.acquire", "pool.close")
REASONS: dict[str, str] = {}
"""`file: call` that needs no limit, and why."""


def calls(tree: ast.AST, limited: bool = False) -> Iterator[tuple[ast.Call, bool]]:
    """Yield every call, and whether an ``asyncio.timeout`` is around it."""
    for node in ast.iter_child_nodes(tree):
        inside = limited
        if isinstance(node, ast.AsyncWith):
            inside |= any(
                isinstance(item.context_expr, ast.Call) and dotted(item.context_expr.func).startswith("asyncio.timeout")
                for item in node.items
            )
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            inside = False  # it runs when somebody calls it, and that may be anywhere
        if isinstance(node, ast.Call):
            yield node, limited
        yield from calls(node, inside)


def dotted(function: ast.expr) -> str:
    """Return ``a.b.c`` of a called name; what is before a call or an index in it is left out."""
    if isinstance(function, ast.Attribute):
        return f"{dotted(function.value)}.{function.attr}".removeprefix(".")
    return function.id if isinstance(function, ast.Name) else ""


@cache
def trees() -> tuple[tuple[str, ast.Module], ...]:
    return tuple((str(path.relative_to(SOURCE)), ast.parse(path.read_text())) for path in sorted(SOURCE.rglob("*.py")))


def unlimited(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and call of every wait without a limit."""
    for call, limited in calls(tree):
        name = dotted(call.func)
        named = {keyword.arg for keyword in call.keywords}
        needed = LIMITED_BY_KEYWORD.get(name)
        if needed is not None and not needed <= named:
            yield call.lineno, name
        if name == "asyncio.wait_for" and len(call.args) < 2 and "timeout" not in named:
            yield call.lineno, name
        waits = any(name == each or name.endswith(f".{each}") for each in LIMITED_BY_CONTEXT)
        if waits and not limited and "timeout" not in named:
            yield call.lineno, name


def test_every_wait_on_the_network_has_a_limit() -> None:
    found = []
    for place, tree in trees():
        for line, name in unlimited(tree):
            if f"{place}: {name}" not in REASONS:
                found.append(f"{place}:{line}: {name} without a limit")
    assert found == []


def test_connections_to_the_database_are_made_in_one_place() -> None:
    found = []
    for place, tree in trees():
        for call, _ in calls(tree):
            name = dotted(call.func)
            if MADE_IN_ONE_PLACE.get(name, place) != place:
                found.append(f"{place}:{call.lineno}: {name}; use main.database.session.connect")
    assert found == []


def test_a_missing_limit_would_be_found() -> None:
    """The search itself: what it must find, and what it must let pass."""
    missing = """
async def ask(pool):
    await asyncpg.connect(host="h", timeout=3)
    await asyncio.open_connection("h", 1)
    await asyncio.wait_for(thing)
    async with pool.acquire() as connection:
        pass
    async with asyncio.timeout(3):
        later = lambda: asyncio.open_connection("h", 1)
"""
    assert [name for _, name in unlimited(ast.parse(missing))] == [
        "asyncpg.connect",
        "asyncio.open_connection",
        "asyncio.wait_for",
        "pool.acquire",
        "asyncio.open_connection",
    ]
    present = """
async def ask(pool):
    await asyncpg.connect(host="h", timeout=3, command_timeout=3)
    async with asyncio.timeout(3):
        await asyncio.open_connection("h", 1)
        await pool.acquire()
    await asyncio.wait_for(thing, 3)
    async with pool.acquire(timeout=3) as connection:
        pass
"""
    assert list(unlimited(ast.parse(present))) == []
