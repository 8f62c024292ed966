"""Which mark has a word: the frame of a chip, the dot of a state?"""

from dash import html
from dash.development.base_component import Component

from main.monitoring.dashboards.v2.components.parts import HIDDEN, LightState, Tone, icon

_MODES: dict[str, tuple[str, Tone]] = {
    "simulated": ("SIMULATED", "simulated"),
    "replay": ("REPLAY", "simulated"),
    "paper": ("PAPER", "outline"),
    "live": ("LIVE MONEY", "accent"),
}


def chip(label: str, tone: Tone = "neutral", *, icon_name: str = "", title: str = "") -> Component:
    """Return a small framed word."""
    children: list[Component | str] = [icon(icon_name)] if icon_name else []
    return html.Span([*children, label], className=f"chip chip-{tone}", title=title or None)


def side_chip(side: str) -> Component:
    """Return Long, Short, Buy or Sell, all neutral: the long side filled, the other outlined."""
    return chip(side.capitalize(), "neutral" if side.lower() in ("long", "buy") else "outline")


def mode_chip(mode: str, label: str = "") -> Component:
    """Return SIMULATED, REPLAY, PAPER or LIVE MONEY, with an account's name behind it where it stands alone."""
    word, tone = _MODES[mode]
    return chip(
        f"{word} · {label}" if label else word, tone, icon_name="flask-conical" if label and mode == "simulated" else ""
    )


def dot(state: LightState) -> Component:
    """Return the mark of a state; shape differs with the state, and the word beside it says the same."""
    return html.Span(className=f"dot dot-{state}", **HIDDEN)


def light(state: LightState, word: str) -> Component:
    """Return a dot and its word, in a line."""
    return html.Span([dot(state), html.Span(word)], className=f"light light-{state}")
