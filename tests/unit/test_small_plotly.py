"""The Plotly that pages begin with draws what panels draw, is never another than the list says, and can be missing."""

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import plotly.graph_objects as go
import pytest
from dash import html
from plotly.basedatatypes import BaseTraceType

from main.config import load_settings
from main.database.address import Address
from main.monitoring.dashboards.v2 import TradingDashboardV2, bundle, small_plotly
from main.monitoring.dashboards.v2.small_plotly import LICENCE, LIST, SCRIPT, SmallPlotly, packaged_version
from tests.running import ROOT

V2 = LIST.parent
NOWHERE = Address("127.0.0.1", 1, "nothing", "nobody")
WANTED = json.loads(LIST.read_text())


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a script that stands for a built one, and a list that names it."""
    (tmp_path / SCRIPT).write_text("var Plotly = {};" + " " * 2_000)
    (tmp_path / LICENCE).write_text("MIT")
    digest = hashlib.sha256((tmp_path / SCRIPT).read_bytes()).hexdigest()
    monkeypatch.setattr(small_plotly, "LIST", tmp_path / "list.json")
    (tmp_path / "list.json").write_text(json.dumps(WANTED | {"sha256": digest}))
    return tmp_path


def types_in(path: Path) -> set[str]:
    """Return what the source gives as a `type` that Plotly knows as a trace's."""
    classes = ((name, getattr(go, name)) for name in dir(go))
    known = {name.lower() for name, each in classes if isinstance(each, type) and issubclass(each, BaseTraceType)}
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            found |= {v.value for k, v in pairs if getattr(k, "value", "") == "type" and isinstance(v, ast.Constant)}
        elif isinstance(node, ast.keyword) and node.arg == "type" and isinstance(node.value, ast.Constant):
            found.add(node.value.value)
    return found & known


def test_the_list_holds_the_traces_that_the_figures_have_and_no_others() -> None:
    found = set().union(*(types_in(path) for folder in ("figures", "panels") for path in (V2 / folder).rglob("*.py")))
    assert found == set(WANTED["traces"])


def test_the_list_and_the_packages_are_for_the_plotly_that_dash_ships() -> None:
    scripts = ROOT / "scripts" / "plotly"
    lock = json.loads((scripts / "package-lock.json").read_text())["packages"]
    named = json.loads((scripts / "package.json").read_text())["dependencies"]
    assert packaged_version() == WANTED["version"] == named["plotly.js"]
    assert {name: lock[f"node_modules/{name}"]["version"] for name in named} == named


def test_every_package_is_locked_by_its_digest_and_none_by_where_it_lies() -> None:
    lock = json.loads((ROOT / "scripts" / "plotly" / "package-lock.json").read_text())["packages"]
    packages = {name: entry for name, entry in lock.items() if name}
    assert [name for name, entry in packages.items() if "integrity" not in entry or "resolved" in entry] == []


def test_what_was_built_is_used_only_as_the_list_names_it(built: Path) -> None:
    script = (built / SCRIPT).read_bytes()
    digest = hashlib.sha256(script).hexdigest()
    expected = SmallPlotly(script, b"MIT", digest, tuple(WANTED["traces"]))
    assert small_plotly.small_plotly(built) == expected
    assert small_plotly.small_plotly(built / "elsewhere") is None
    (built / SCRIPT).write_text("var Plotly = 1;")
    assert small_plotly.small_plotly(built) is None


def test_what_was_built_for_another_plotly_or_without_its_licences_is_not_used(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (built / LICENCE).rename(built / "kept")
    assert small_plotly.small_plotly(built) is None
    (built / "kept").rename(built / LICENCE)
    monkeypatch.setattr(small_plotly, "packaged_version", lambda: "999.0.0")
    assert small_plotly.small_plotly(built) is None


@pytest.fixture
def dashboard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> TradingDashboardV2:
    """One that looks for what was built in the test's folder."""
    monkeypatch.setattr(bundle, "small_plotly", lambda: small_plotly.small_plotly(tmp_path))
    made = TradingDashboardV2(NOWHERE, settings=load_settings(env={}), panels=[])
    made.app.ready()
    return made


def client(dashboard: TradingDashboardV2) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(dashboard.server, client=("127.0.0.1", 5000))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:8080")


def plotly_of(page: str) -> tuple[str, str]:
    """Return the address of Plotly in a page, and the traces that the page says it draws."""
    return re.search(r'data-plotly="([^"]*)"', page)[1], re.search(r'data-traces="([^"]*)"', page)[1]


async def test_a_page_of_panels_begins_with_the_small_one_for_good_and_one_with_a_users_tab_with_the_whole(
    built: Path, dashboard: TradingDashboardV2
) -> None:
    async with client(dashboard) as http:
        address, traces = plotly_of((await http.get("/overview")).text)
        script = await http.get(address, headers={"accept-encoding": "br"})
        licence = await http.get(f"/assets/{LICENCE}")
        dashboard.add_tab("x", "Mine", html.Div())
        whole, every = plotly_of((await http.get("/overview")).text)
    assert address.startswith(f"/assets/{SCRIPT}?m=")
    assert traces.split() == WANTED["traces"]
    assert (script.status_code, script.headers["content-encoding"]) == (200, "br")
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert script.content == (built / SCRIPT).read_bytes()
    assert (licence.status_code, licence.text) == (200, "MIT")
    assert "/package_data/plotly." in whole
    assert every == ""


async def test_what_is_served_stays_what_was_checked_though_another_is_built_meanwhile(
    built: Path, dashboard: TradingDashboardV2
) -> None:
    checked = (built / SCRIPT).read_bytes()
    (built / SCRIPT).write_text("var Plotly = 'another';")
    (built / LICENCE).unlink()
    async with client(dashboard) as http:
        address, _ = plotly_of((await http.get("/overview")).text)
        assert (await http.get(address)).content == checked
        assert (await http.get(f"/assets/{LICENCE}")).text == "MIT"


async def test_without_one_every_page_has_the_packaged_plotly(dashboard: TradingDashboardV2) -> None:
    async with client(dashboard) as http:
        address, traces = plotly_of((await http.get("/overview")).text)
        missing = await http.get(f"/assets/{SCRIPT}")
    assert "/package_data/plotly." in address
    assert traces == ""
    assert missing.status_code == 404


def run(folder: Path, **commands: str) -> subprocess.CompletedProcess[str]:
    """Run the script that builds it, with no programs but the shell's, those it copies with, and the ones given."""
    programs = folder / "bin"
    programs.mkdir()
    for name in ("dirname", "mktemp", "cp", "rm", "mkdir", "mv", "tail"):
        (programs / name).symlink_to(shutil.which(name) or "")
    for name, text in commands.items():
        (programs / name).write_text(f"#!{shutil.which('sh')}\n{text}\n")
        (programs / name).chmod(0o755)
    environment = {"PATH": str(programs), "TMPDIR": str(folder), "HOME": os.environ.get("HOME", "/")}
    argv = [shutil.which("sh") or "sh", str(ROOT / "scripts" / "plotly.sh"), str(folder / "venv")]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize(
    ("commands", "said"),
    [
        ({}, "there is no npm"),
        ({"npm": "exit 1"}, "npm could not fetch"),
        ({"npm": "exit 0", "node": "echo its sha256 is another >&2; exit 3"}, "its sha256 is another"),
    ],
)
def test_set_up_goes_on_without_one_and_says_why_in_one_line(
    tmp_path: Path, commands: dict[str, str], said: str
) -> None:
    done = run(tmp_path, **commands)
    (line,) = [line for line in done.stdout.splitlines() if not line.startswith("Building")]
    assert (done.returncode, done.stderr) == (0, "")
    assert said in line
    assert not any(path.is_file() for path in (tmp_path / "venv").rglob("*"))
    assert {path.name for path in tmp_path.iterdir()} <= {"bin", "venv"}, "what it was built with is gone"


def test_nothing_is_fetched_for_an_environment_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "venv").write_text("no folder, so that it can have none, whoever asks")
    done = run(tmp_path, npm="echo fetched >&2")
    assert (done.returncode, done.stderr) == (0, "")
    assert "venv/share/ai-trader cannot be written" in done.stdout
    assert "Building" not in done.stdout


def test_what_was_built_lies_in_the_environment_with_its_licences(tmp_path: Path) -> None:
    node = 'echo script > "$3/plotly.min.js"; echo licences > "$3/plotly.LICENSE.txt"'
    done = run(tmp_path, npm="exit 0", node=node)
    assert (done.returncode, done.stderr) == (0, "")
    built = tmp_path / "venv" / "share" / "ai-trader"
    assert {path.name: path.read_text() for path in built.iterdir()} == {SCRIPT: "script\n", LICENCE: "licences\n"}
