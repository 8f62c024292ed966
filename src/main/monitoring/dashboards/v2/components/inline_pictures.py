"""Pictures small enough to stand in a line of text: a bar for a share of a limit, a line without axis."""

import math
from collections.abc import Sequence
from typing import Literal
from urllib.parse import quote

from dash import html
from dash.development.base_component import Component

from main.monitoring.dashboards.v2.components.parts import HIDDEN, named


def limit_bar(used: float | None, written: str, *, warn_at: float = 0.8) -> Component:
    """Return a bar for a fraction of a limit with its tick at `warn_at` (a fraction too) and the amounts beside it."""
    share = 0.0 if used is None or not math.isfinite(used) else min(max(used, 0.0), 1.0)
    tone = "loss" if share >= 1 else "warn" if share >= warn_at else "calm"
    track = html.Span(
        [
            html.Span(className=f"limit-fill limit-{tone}", style={"width": f"{share * 100:.1f}%"}),
            html.Span(className="limit-tick", style={"left": f"{warn_at * 100:.1f}%"}),
        ],
        className="limit-track",
        **HIDDEN,
    )
    return html.Span([track, html.Span(written, className="limit-text")], className="limit")


def sparkline(
    values: Sequence[float | None], *, label: str, tone: Literal["ink", "profit", "loss"] = "ink"
) -> Component:
    """Return a line of 92 by 30 pixels without axis, oldest first; `label` says it to those who do not see it."""
    path = _path([float(v) for v in values if v is not None and math.isfinite(v)])
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 92 30" preserveAspectRatio="none">'
        f'<path d="{path}" fill="none" stroke="#000" stroke-width="1.5" stroke-linejoin="round"/></svg>'
    )
    # As a mask the line takes its colour from the theme; an <img> could not.
    mask = f"url('data:image/svg+xml,{quote(svg)}')"
    style = {"maskImage": mask, "WebkitMaskImage": mask}
    return html.Span(className=f"sparkline sparkline-{tone}", style=style, role="img", **named(label))


def _path(values: Sequence[float]) -> str:
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    step = 90 / (len(values) - 1)
    return "M" + "L".join(f"{1 + i * step:.1f} {28 - (v - low) / span * 26:.1f}" for i, v in enumerate(values))
