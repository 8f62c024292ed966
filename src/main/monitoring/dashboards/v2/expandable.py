"""What is too long for a line: its end in a line, the whole of it one key press away."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

WIDEST = 160


def last_line(said: str | None) -> str:
    """Return the last line that is not blank, cut to one line of a table; empty when there is none."""
    lines = [line.strip() for line in (said or "").splitlines() if line.strip()]
    line = lines[-1] if lines else ""
    return line if len(line) <= WIDEST else f"{line[: WIDEST - 1]}…"


def expandable(label: str, said: str, preview: str = "") -> Component:
    """Return `label` and the last line of what was said, or a `preview` of it, which unfolds to all of it."""
    summary = html.Summary([html.Span(label, className="said-label"), html.Code(last_line(preview or said))])
    return html.Details([summary, html.Pre(said.strip("\n"), tabIndex=0)], className="said")


def beneath(parts: Sequence[Component | str]) -> Component | None:
    """Return what stands below a row, one line each; ``None`` when there is nothing."""
    return html.Div([html.Div(part) for part in parts], className="said-lines") if parts else None
