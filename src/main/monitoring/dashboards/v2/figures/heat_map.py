"""Where is it hot: a grid of values, each written in its cell; money in its colours, intensity in one hue."""

from collections.abc import Sequence
from dataclasses import dataclass

from main.monitoring.dashboards.v2.figures.parts import FigureDict, literal
from main.monitoring.dashboards.v2.figures.tones import STEPS, step

Scale = list[list[float | str]]

_PROFIT = ("@div-n3", "@div-n2", "@div-n1", "@div-0", "@div-p1", "@div-p2", "@div-p3")
_INTENSITY = tuple(f"@seq-{index}" for index in range(1, 8))
_CORRELATION: Scale = [[0.0, "@cat-2"], [0.5, "@div-0"], [1.0, "@cat-1"]]
_LONGEST = 20  # letters of a label
_LETTER = 6.4  # pixels, on average, of the labels' size


@dataclass(frozen=True, slots=True)
class Cells:
    """A grid: row by row its values (``None``: an empty cell), their words, and more words for the tooltip."""

    rows: Sequence[str]
    columns: Sequence[str]
    values: Sequence[Sequence[float | None]]
    words: Sequence[Sequence[str]]
    hover: Sequence[Sequence[str]] = ()


def profit_map(cells: Cells, *, clip: float) -> FigureDict:
    """Return gains and losses in three steps of colour a side, full at ±`clip`."""
    steps = [[None if value is None else step(value, clip) for value in row] for row in cells.values]
    return _map(cells, steps, _stepped(_PROFIT), (-STEPS - 0.5, STEPS + 0.5))


def intensity_map(cells: Cells) -> FigureDict:
    """Return values from 0 to 1 in seven steps of one hue; beyond them is the first or the last step."""
    last = len(_INTENSITY) - 1
    steps = [[None if v is None else round(max(0.0, min(1.0, v)) * last) for v in row] for row in cells.values]
    return _map(cells, steps, _stepped(_INTENSITY), (-0.5, last + 0.5))


def correlation_map(cells: Cells) -> FigureDict:
    """Return correlations from −1 to 1, between colours that are neither gain nor loss."""
    figure = _map(cells, cells.values, _CORRELATION, (-1.0, 1.0))
    # Without a colour of its own a cell's text contrasts with the cell: the ends are light in one theme only.
    figure["data"][0]["textfont"] = {"size": 11}
    return figure


def _stepped(tones: Sequence[str]) -> Scale:
    """Return a scale of as many flat colours as there are steps."""
    count = len(tones)
    return [[edge / count, tone] for index, tone in enumerate(tones) for edge in (index, index + 1)]


def _map(
    cells: Cells, values: Sequence[Sequence[float | int | None]], scale: Scale, ends: tuple[float, float]
) -> FigureDict:
    trace = {
        "type": "heatmap",
        "x": list(range(len(cells.columns))),
        "y": list(range(len(cells.rows))),
        "z": [list(row) for row in values],
        "text": [[literal(each) for each in row] for row in cells.words],
        "texttemplate": "%{text}",
        "textfont": {"size": 11, "color": "@ink"},
        "customdata": [[literal(each) for each in row] for row in cells.hover or cells.words],
        "hovertemplate": "%{customdata}<extra></extra>",
        "hoverongaps": False,
        "colorscale": scale,
        "zmin": ends[0],
        "zmax": ends[1],
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
    }
    widest = max((len(name) for name in cells.rows), default=0)
    layout = {
        "margin": {"l": round(min(widest, _LONGEST) * _LETTER) + 14, "r": 0, "t": 22, "b": 0},
        "hovermode": "closest",
        "xaxis": _labels(cells.columns) | {"side": "top", "tickangle": 0},
        "yaxis": _labels(cells.rows) | {"side": "left", "range": [len(cells.rows) - 0.5, -0.5]},
        "uirevision": "keep",
    }
    return {"data": [trace], "layout": layout}


def _labels(names: Sequence[str]) -> FigureDict:
    ticks = {"tickvals": list(range(len(names))), "ticktext": [_shortened(name) for name in names]}
    return ticks | {"showgrid": False, "fixedrange": True, "automargin": False, "showspikes": False}


def _shortened(name: str) -> str:
    return literal(name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…")
