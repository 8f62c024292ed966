"""What does each of a few things come to: one horizontal bar a thing, its figure written at its end."""

from collections.abc import Sequence
from dataclasses import dataclass

from main.monitoring.dashboards.v2.figures.parts import FigureDict, literal

ROW_PIXELS = 26
"""What a bar with its gap needs: a panel of `count` bars is about this high times `count`, and 24 more."""
_LONGEST = 22  # letters of a name
_LETTER = 6.4  # pixels, on average, of the labels' size
_NARROWEST = 230  # pixels that bars and figures have on a phone, beside the names
_FEWEST = 7  # bars that share the height: fewer are not made thicker


@dataclass(frozen=True, slots=True)
class CategoryBar:
    """One bar. ``written`` is its figure ready to read, ``tone`` its colour's token, ``hover`` more of it."""

    name: str
    value: float | None
    written: str
    tone: str = "accent"
    hover: str = ""


def category_bars(bars: Sequence[CategoryBar]) -> FigureDict:
    """Return horizontal bars from zero, the first on top; a thing whose value is unknown has its words and no bar."""
    names = [bar.name for bar in bars]
    values = [bar.value if bar.value is not None else 0.0 for bar in bars]
    low, high = min([0.0, *values]), max([0.0, *values])
    span = high - low or 1.0
    # The figure stands outside its bar's end: each side that has bars needs room for it.
    sides = (low < 0) + (high > 0 or not low)
    room = span * _room(max((len(bar.written) for bar in bars), default=0) * _LETTER + 8, sides)
    trace = {
        "type": "bar",
        "orientation": "h",
        "x": values,
        "y": list(range(len(bars))),
        "text": [bar.written for bar in bars],
        "textposition": "outside",
        "cliponaxis": False,
        "textfont": {"size": 11, "color": "@ink-2"},
        "customdata": [literal(bar.hover or f"{bar.name}: {bar.written}") for bar in bars],
        "hovertemplate": "%{customdata}<extra></extra>",
        "marker": {"color": [f"@{bar.tone}" for bar in bars], "cornerradius": 2},
    }
    widest = max((len(name) for name in names), default=0)
    layout = {
        "margin": {"l": min(160, round(widest * _LETTER) + 14), "r": 8, "t": 4, "b": 4},
        "hovermode": "closest",
        "xaxis": {
            "range": [low - (room if low < 0 else 0), high + (room if high > 0 or not low else 0)],
            "showticklabels": False,
            "showgrid": False,
            "zeroline": True,
            "zerolinecolor": "@zero-line",
            "fixedrange": True,
            "showspikes": False,
        },
        "yaxis": {
            "side": "left",
            "tickvals": list(range(len(bars))),
            "ticktext": [_shortened(name) for name in names],
            "range": [max(len(bars), _FEWEST) - 0.5, -0.5],
            "ticklabelstandoff": 4,
            "showgrid": False,
            "fixedrange": True,
            "automargin": False,
            "showspikes": False,
        },
        "uirevision": "keep",
    }
    return {"data": [trace], "layout": layout}


def _room(pixels: float, sides: int) -> float:
    """Return the part of the bars' span that figures need on a side, for a phone; a long one has to end at its edge."""
    share = min(pixels / _NARROWEST, 0.4 / sides)
    return share / (1 - share * sides)


def _shortened(name: str) -> str:
    return literal(name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…")
