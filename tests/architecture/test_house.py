"""The house rules that a machine can check: layers beyond imports, SQL in its place, weight, documentation."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from main.monitoring.read import reads

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "main"
SQL = re.compile(
    r"^\s*(SELECT|INSERT|UPDATE|DELETE|WITH|COPY|CREATE|ALTER|DROP|LISTEN|NOTIFY)\s+[\w(*\"']", re.IGNORECASE
)
WITHOUT_SQL = (
    "cli",
    "domain",
    "analytics",
    "monitoring/hub.py",
    "monitoring/api",
    "monitoring/dashboards",
    "trading/strategies",
)
PURE = ("domain", "analytics", "errors.py", "clock.py", "text.py")
IO = {"asyncio", "asyncpg", "socket", "subprocess", "pathlib", "psutil", "urllib", "http", "os", "shutil", "starlette"}
ONLY_BELOW = {
    "dash": "monitoring/dashboards",
    "dash_mantine_components": "monitoring/dashboards",
    "dash_ag_grid": "monitoring/dashboards",
    "plotly": "monitoring/dashboards",
    "textual": "monitoring/terminal",
}


def modules(*places: str) -> Iterator[Path]:
    for place in places or ("",):
        path = SOURCE / place
        yield from ([path] if path.suffix == ".py" else sorted(path.rglob("*.py")))


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def texts(path: Path) -> Iterator[tuple[int, str]]:
    tree = ast.parse(path.read_text())
    documents = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield node.lineno, node.value


def test_sql_stands_only_where_it_belongs() -> None:
    found = [
        f"{path.relative_to(SOURCE)}:{line}: {text.strip()[:60]}"
        for path in modules(*WITHOUT_SQL)
        for line, text in texts(path)
        if SQL.match(text) and " " in text.strip() and text.strip().split()[0].isupper()
    ]
    assert found == []


def test_pure_layers_import_nothing_that_does_input_or_output() -> None:
    found = [
        f"{path.relative_to(SOURCE)} imports {name}"
        for path in modules(*PURE)
        for name in imported(path)
        if name.split(".")[0] in IO
    ]
    assert found == []


@pytest.mark.parametrize("library", ONLY_BELOW)
def test_a_user_interface_library_stays_in_its_layer(library: str) -> None:
    found = [
        str(path.relative_to(SOURCE))
        for path in modules()
        if any(name.split(".")[0] == library for name in imported(path))
        and not str(path.relative_to(SOURCE)).startswith(ONLY_BELOW[library])
    ]
    assert found == []


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("main.monitoring.dashboards.v2.dashboard_manager", ("dash", "pandas", "numpy", "plotly", "fastapi")),
        ("main.worker", ("dash", "pandas", "numpy", "plotly", "fastapi")),
        ("main.monitoring.dashboards.v2.trading_dashboard", ("pandas",)),
        ("main.recording", ("dash", "pandas", "numpy", "fastapi", "pydantic")),
        ("main.cli.app", ("dash", "pandas", "numpy", "fastapi", "asyncpg")),
    ],
)
def test_a_light_process_does_not_import_heavy_libraries(module: str, unwanted: tuple[str, ...]) -> None:
    program = f"import sys, {module}; print([name for name in {unwanted!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_every_read_is_documented_and_named_like_its_module() -> None:
    for name, read in reads().items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert (SOURCE / "monitoring" / "reads" / f"{name}.py").is_file(), name
        assert len(read.description) > 40, f"{name}: say what the number means"
        assert read.unit, name
        assert read.topics or read.source == "live", f"{name}: what makes it change?"


def test_no_read_asks_the_database_for_the_time() -> None:
    pattern = re.compile(r"\bnow\(\)|current_timestamp|clock_timestamp|localtime", re.IGNORECASE)
    found = [
        f"{path.relative_to(SOURCE)}:{line}"
        for path in modules("monitoring/reads")
        for line, text in texts(path)
        if pattern.search(text)
    ]
    assert found == []


def test_every_wait_for_the_database_has_a_limit() -> None:
    found = []
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            named = {keyword.arg for keyword in node.keywords}
            called = ast.unparse(node.func)
            if called in ("asyncpg.connect", "asyncpg.create_pool") and not {"timeout", "command_timeout"} <= named:
                found.append(f"{path.relative_to(SOURCE)}:{node.lineno}: {called} without timeout and command_timeout")
    assert found == []


def test_every_table_and_view_says_what_it_holds() -> None:
    text = "\n".join(path.read_text() for path in sorted((ROOT / "sql").rglob("*.sql")))
    made = re.findall(r"^CREATE (?:OR REPLACE )?(?:TABLE|VIEW)\s+(?:IF NOT EXISTS )?(\w+)", text, re.MULTILINE)
    commented = set(re.findall(r"COMMENT ON (?:TABLE|VIEW)\s+(\w+)", text))
    assert [name for name in made if name not in commented and not name.endswith("_default")] == []


def test_nothing_in_the_project_points_outside_of_it() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    outside = re.compile(r"\.\./shared|/work/|https?://(pypi|files\.pythonhosted|registry\.npmjs|deb\.debian)")
    found = []
    for name in listed:
        path = ROOT / name
        if path.suffix in (".woff2", ".png", ".ico") or path == Path(__file__) or not path.is_file():
            continue
        if outside.search(path.read_text(errors="replace")):
            found.append(name)
    assert found == []
