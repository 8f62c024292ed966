"""What a panel draws from answers made by hand, as the browser gets it."""

import json
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from types import NoneType
from typing import Any, get_args, get_type_hints

from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import small_plotly
from main.monitoring.dashboards.v2.encoder import PanelEncoder
from main.monitoring.dashboards.v2.panel import panels_of
from main.monitoring.read import Answer, Freshness, Read, State
from main.monitoring.reads import bots
from main.monitoring.reads.accounts import AccountEntry

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
SCOPE = Scope(accounts=("A",), window="3M").resolved(NOW)
TRACES = set(json.loads(small_plotly.LIST.read_text())["traces"])
PANELS = {panel.name: panel for dashboard in ("trading", "system") for panel in panels_of(dashboard)}


def filled(row: type, **given: Any) -> Any:
    """A row whose unnamed fields are `None` where they may be, else a plain value of their type."""
    plain = {str: "text", int: 1, float: 0.5, bool: False, datetime: NOW, Decimal: Decimal(1)}
    hints = get_type_hints(row)
    values = {
        spec.name: None if NoneType in get_args(hints[spec.name]) else plain.get(hints[spec.name])
        for spec in fields(row)
    }
    return row(**(values | given))


def bot(**given: Any) -> bots.BotState:
    values = {
        "account": "A",
        "label": "Maker",
        "mode": "paper",
        "clock": "wall",
        "condition": "ok",
        "status": "running",
    }
    return filled(bots.BotState, **(values | {"uptime_seconds": 130.0, "heard_at": NOW, "silent": False} | given))


def answer(value: Any) -> Answer[Any]:
    return Answer(value, Freshness(State.LIVE, NOW, NOW, 60.0))


def drawn(written: str, *given: tuple[Read[Any], Any], scope: Scope = SCOPE) -> dict[str, Any]:
    """The members of a panel, ``NAME?OPTION=VALUE``, as the browser gets them; reads that are not given are empty."""
    panel = PANELS[written.partition("?")[0]]
    values: dict[str, Any] = {read.name: [] for read in panel.reads} | {read.name: value for read, value in given}
    encoded = PanelEncoder([panel]).encode(written, {key: answer(value) for key, value in values.items()}, scope)
    members: dict[str, Any] = json.loads(b"{" + encoded + b"}")
    assert "broken" not in members
    assert traces(members) <= TRACES, "small_plotly.json does not list it: the page would fetch the whole Plotly"
    return members


def traces(node: Any) -> set[str]:
    """Return the trace types of every figure in a drawing."""
    if isinstance(node, list):
        return set().union(*map(traces, node))
    if not isinstance(node, dict):
        return set()
    if isinstance(node.get("data"), list) and "layout" in node:
        return {trace.get("type", "scatter") for trace in node["data"]}
    return set().union(*map(traces, node.values()))


def words(drawing: Any) -> str:
    """Every text of a drawing in reading order."""
    return " ".join(part.strip() for part in _texts(drawing.get("children")) if part.strip())


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for part in node:
            yield from _texts(part)
    elif isinstance(node, dict):
        yield from _texts(node.get("props", {}).get("children"))


def account(currency: str = "USD", name: str = "A") -> AccountEntry:
    zoned = {"zone": "America/New_York", "roll_over_seconds": 0.0, "periods_per_year": 252}
    return filled(AccountEntry, account=name, currency=currency, **zoned)
