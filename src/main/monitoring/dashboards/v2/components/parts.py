"""What the components share: their types, the decoration beside a word, attributes that `html` takes as keywords."""

from collections.abc import Sequence
from typing import Any, Literal

from dash import html
from dash.development.base_component import Component

Child = Component | str | Sequence["Component | str"]
Tone = Literal["neutral", "outline", "ok", "warn", "critical", "accent", "info", "simulated"]
LightState = Literal["ok", "degraded", "late", "down", "unknown"]

HIDDEN: dict[str, Any] = {"aria-hidden": "true"}


def icon(name: str) -> Component:
    """Return a decoration from `assets/icons.css`; the word beside it carries the meaning."""
    return html.Span(className=f"icon icon-{name}", **HIDDEN)


def named(label: str) -> dict[str, Any]:
    """Return the attribute that says an element's name to those who do not see it."""
    return {"aria-label": label}


def dataset(**attributes: str) -> dict[str, Any]:
    """Return the attributes that the browser's scripts find an element by: `data-NAME`."""
    return {f"data-{name}": value for name, value in attributes.items()}
