"""One number, one definition: every read says the same to the hub's callers, over REST and on the command line."""

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.websockets import WebSocket

from main.cli.app import main
from main.database.address import Address
from main.database.pool import Database
from main.domain.scope import Scope
from main.exporters.exports import Exports
from main.exporters.json import encode
from main.monitoring.api.app import create_app, protect
from main.monitoring.api.directory import Directory
from main.monitoring.hub import Hub
from main.monitoring.parameters import own_parameters
from main.monitoring.read import LiveSource, Read, reads
from main.recording.intake import Intake
from main.security.policy import dashboard_policy
from main.telemetry.log_search import LogFolder
from main.telemetry.metrics import Metrics
from main.telemetry.probes import Check, ProbeApp
from tests.given import MINUTE, MOMENT
from tests.given_everything import ACCOUNTS, ORDER, STRATEGY, SYMBOL, TRADE, given_everything

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # how the calendar library uses pandas

EXAMPLES: Mapping[str, Any] = {
    "account": "A",
    "charted": True,
    "closed_before": MOMENT,
    "closed_from": MOMENT - 60 * MINUTE,
    "currency": "USD",
    "exit_type": "signal",
    "id": TRADE,
    "interval": "1d",
    "limit": 2,
    "metric": "queue",
    "minimum_return": 0.02,
    "model": "m",
    "most": 3,
    "name": "INDEX",
    "offset": 1,
    "order_id": ORDER,
    "points": 7,
    "risk_free": 0.01,
    "rule": "rule",
    "runs": 2,
    "segment": "spot",
    "service": "trading",
    "source": "bot",
    "severity": "warning",
    "state": "open",
    "symbol": SYMBOL,
    "tag": "t",
    "text": "x",
    "window": 20,
    "year": 2026,
}
"""What a parameter without choices may be given, of what was recorded; a new one needs an example here."""
FREE = {"before", "level", "sort", "by", "kind"}
"""Texts whose values are few, but not told by their type: they are left at their default here."""
UNASKED = {"search", "trade", "custom_metric", "audit"}
"""Reads that say nothing unless they are asked for something; what is audited has the time of the test."""
MOVING = ("duration_seconds", "start", "end")
"""Of live answers about the suite itself: they grow while the test runs."""
OF_THE_PROCESS = ("database_status", "host_now")
"""A process tells of its own connections: the others have other ones."""


@dataclass(frozen=True)
class Surfaces:
    """The three ways to ask."""

    hub: Hub
    client: httpx.AsyncClient

    async def hubs(self, read: Read[Any], scope: Scope, params: Any) -> Any:
        answer = await self.hub.ask(read, scope, params)
        assert answer.error is None, (read.name, answer.error)
        return _parsed(encode({"value": answer.value}))["value"]

    async def rests(self, read: Read[Any], query: Mapping[str, str]) -> dict[str, Any]:
        answer = await self.client.get(f"/api/reads/{read.name}", params=dict(query))
        assert answer.status_code == 200, (read.name, answer.text)
        return _parsed(answer.content)

    async def shown(self, read: Read[Any], query: Mapping[str, str]) -> dict[str, Any]:
        words = [word for name, value in query.items() for word in (_option(read, name), _value(read, name, value))]
        return _parsed(await asyncio.to_thread(_printed, [read.name, *words, "--format", "json"]))


def _option(read: Read[Any], name: str) -> str:
    return "--param" if name == "account" else f"--{name.replace('_', '-')}"


def _value(read: Read[Any], name: str, value: str) -> str:
    return f"account={value}" if name == "account" else value


def _printed(words: list[str]) -> str:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["show", *words])
    assert code == 0, (words, err.getvalue())
    return out.getvalue()


def _parsed(text: str | bytes) -> Any:
    return json.loads(text, parse_float=Decimal)


@pytest.fixture
async def surfaces(
    address: Address, database: Database, service: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Surfaces]:
    await given_everything(service)
    logs = tmp_path / "logs" / "dashboards"
    logs.mkdir(parents=True)
    (logs / "trading.log").write_text(f"{MOMENT.isoformat()} [info     ] x listens\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", address.dsn)
    monkeypatch.setenv("AI_TRADER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("AI_TRADER_LOG_DIR", str(tmp_path / "logs"))
    monkeypatch.setattr("main.telemetry.logging.configure", lambda *_, **__: None)  # the process is pytest's
    live = LiveSource({"database": lambda: database.status, "logs": lambda: LogFolder(logs), "host": list})
    hub = Hub(database, live)
    running = asyncio.create_task(hub.run())
    async with _client(hub, database) as client:
        yield Surfaces(hub, client)
    running.cancel()
    await asyncio.wait({running})


@asynccontextmanager
async def _client(hub: Hub, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API behind its guard."""
    directory, intake = Directory(database), Intake(database.address)
    app: FastAPI = create_app(
        title="Trading",
        version="0",
        lifespan=None,
        hub=lambda: hub,
        directory=lambda: directory,
        intake=lambda: intake,
        exports=lambda: Exports(database.address),
        stream=_stream,
        probes=ProbeApp("trading", lambda: [Check("database", "ok")], registry=Metrics("trading", "0").registry),
    )
    protect(app, lambda: dashboard_policy(()))
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 50_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080", timeout=30) as client:
        yield client


async def _stream(page: WebSocket) -> None:
    await page.accept()


async def test_every_read_says_the_same_everywhere_with_its_defaults(surfaces: Surfaces) -> None:
    for read in reads().values():
        await _agreed(surfaces, read, {}, {})


async def test_there_is_something_to_agree_about(surfaces: Surfaces) -> None:
    scope = Scope(accounts=tuple(ACCOUNTS), window="3M")
    silent = [name for name, read in reads().items() if not _something(await surfaces.hubs(read, scope, None))]
    assert set(silent) <= UNASKED


async def test_every_read_says_the_same_everywhere_of_the_past_and_of_what_was_known(surfaces: Surfaces) -> None:
    for read in reads().values():
        own = _example_params(read)
        about = {"as_of": MOMENT, "known_at": MOMENT - MINUTE, "window": "1M"}
        await _agreed(surfaces, read, own, about, shown=bool(own))


async def test_every_parameter_means_the_same_everywhere(surfaces: Surfaces) -> None:
    for read in reads().values():
        for name, value in _example_params(read).items():
            await _agreed(surfaces, read, {name: value}, {"window": "1W", "strategy": STRATEGY}, shown=False)


async def test_csv_has_the_same_cells_over_rest_and_on_the_command_line(surfaces: Surfaces) -> None:
    for name in ("trades", "drawdowns", "correlation", "spread_history", "account_summary"):
        rest = await surfaces.client.get(f"/api/reads/{name}", params={"range": "1M", "format": "csv"})
        shown = await asyncio.to_thread(_printed, [name, "--range", "1M", "--format", "csv"])
        assert shown.splitlines() == rest.text.splitlines(), name
        assert len(shown.splitlines()) > 1, name


async def _agreed(
    surfaces: Surfaces, read: Read[Any], own: Mapping[str, Any], about: Mapping[str, Any], *, shown: bool = True
) -> None:
    scope = Scope(accounts=tuple(ACCOUNTS), **about)
    params = read.params(**own) if own and read.params is not None else None
    asked = {"range" if name == "window" else name: value for name, value in about.items()} | own
    query = {name: _text(value) for name, value in asked.items()}
    rest = await surfaces.rests(read, query)
    documents = [rest, *([await surfaces.shown(read, query)] if shown else [])]
    value = await surfaces.hubs(read, scope, params)
    for document in documents:
        assert document["accounts"] == sorted(ACCOUNTS), read.name
        assert document["unit"] == read.unit
        if read.name not in OF_THE_PROCESS:
            assert _still(document["value"], read, scope) == _still(value, read, scope), (read.name, query)
    if read.about == "accounts":
        assert {each: documents[0][each] for each in ("as_of", "moment", "state", "range", "clock")} == {
            each: documents[-1][each] for each in ("as_of", "moment", "state", "range", "clock")
        }, read.name


def _example_params(read: Read[Any]) -> dict[str, Any]:
    """For every parameter of a read a value that is not its default, where the test has one."""
    found: dict[str, Any] = {}
    for each in own_parameters(read):
        others = [choice for choice in each.choices if choice != each.default]
        if others:
            found[each.name] = others[0] if "open" not in each.choices else "all"
        elif each.name not in FREE:
            found[each.name] = EXAMPLES[each.name]
    if read.name == "alerts":
        found["severity"] = "warning"
    return found


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _still(value: Any, read: Read[Any], scope: Scope) -> Any:
    if read.about == "accounts" or not scope.live:
        return value
    if isinstance(value, dict):
        return {name: _still(each, read, scope) for name, each in value.items() if name not in MOVING}
    return [_still(each, read, scope) for each in value] if isinstance(value, list) else value


def _something(value: Any) -> bool:
    if isinstance(value, dict) and "items" in value:
        return bool(value["items"])
    return bool(value)


def test_the_examples_are_of_parameters_that_there_are() -> None:
    named = {each.name for read in reads().values() for each in own_parameters(read)}
    assert (set(EXAMPLES) | FREE) - named == set()
