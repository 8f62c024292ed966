"""How far did a value go around each point of a line? A faint band behind it, and words in its tooltip."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import isclose
from statistics import median

from main.monitoring.dashboards.v2.figures.parts import FigureDict, Series, Write

_Point = tuple[int, float, float, float]
"""A time, the value, and between what it went."""

_FAR = 4.0
"""By so many times what is usual a value goes far: its part of the band may be a pixel wide, so it has a stroke too."""


def reach(
    x: Sequence[int], values: Series, low: Series, high: Series, tone: str, *, steps: bool = False
) -> list[FigureDict]:
    """Return the band from `low` to `high`: an invisible line, one filled down to it, and strokes where it is far.

    `low` and `high` are empty where they are not known of any point. Nothing where no value went further than its
    point. Only points that did are in it, with those beside them, where the band has no height: Plotly bridges a gap.
    """
    runs = list(_runs(x, values, low, high))
    edges = [point for run in runs for point in _shown(run)]
    if not edges:
        return []
    ends = [_edge([point[0] for point in edges], [point[side] for point in edges], tone) for side in (2, 3)]
    for end in ends if steps else ():
        end["line"]["shape"] = "hv"
    ends[1] |= {"fill": "tonexty", "fillcolor": f"@{tone}/0.14"}
    return [*ends, _strokes([point for run in runs for point in run], tone)]


def reached(values: Series, low: Series, high: Series, write: Write) -> list[str]:
    """Return what the tooltip of each point says: its value, and how far it went where that is another one."""
    words = []
    for value, least, most in zip(values, low or [None] * len(values), high or [None] * len(values), strict=True):
        lowest = f" · low {write(least)}" if least is not None else ""
        highest = f" · high {write(most)}" if most is not None else ""
        said = write(value)
        further = value is not None and any(end is not None and write(end) != said for end in (least, most))
        words.append(said + (lowest + highest if further else ""))
    return words


def spanned(*series: Series) -> list[float]:
    """Return all values that an axis is to span."""
    return [value for values in series for value in values if value is not None]


def _runs(x: Sequence[int], values: Series, low: Series, high: Series) -> Iterator[list[_Point]]:
    """Yield the points between two gaps."""
    run: list[_Point] = []
    for place, at in enumerate(x):
        value = values[place]
        if value is None:
            yield run
            run = []
            continue
        least, most = (low[place] if low else None), (high[place] if high else None)
        run.append((at, value, value if least is None else least, value if most is None else most))
    yield run


def _shown(run: list[_Point]) -> list[_Point]:
    """Return the points that went further than their value and those beside them, closed at both ends."""
    if not any(map(_went, run)):
        return []
    first, last = run[0], run[-1]
    closed = [(first[0], *(first[1],) * 3), *run, (last[0], *(last[1],) * 3)]
    went = [_went(point) for point in closed]
    beside = [one or other for one, other in pairwise([False, *went, False])]
    return [point for place, point in enumerate(closed) if beside[place] or beside[place + 1]]


def _went(point: _Point) -> bool:
    # A mean of equal values may differ from them by what adding them up lost.
    return not (isclose(point[2], point[1], rel_tol=1e-9) and isclose(point[3], point[1], rel_tol=1e-9))


def _strokes(points: list[_Point], tone: str) -> FigureDict:
    usual = median(point[3] - point[2] for point in points)
    far = [point for point in points if _went(point) and point[3] - point[2] > _FAR * usual]
    ends = [end for point in far for end in (point[2], point[3], None)]
    strokes = _edge([point[0] for point in far for _ in range(3)], ends, tone)
    return strokes | {"line": {"width": 1, "color": f"@{tone}/0.5"}}


def _edge(x: list[int], y: Sequence[float | None], tone: str) -> FigureDict:
    # Its colour is no colour: even of no width, a line is drawn in the picture that is saved.
    line = {"width": 0, "color": f"@{tone}/0"}
    # By its meta a zoomed chart knows it, which has other points of a part.
    nothing = {"text": [], "hoverinfo": "skip", "showlegend": False, "meta": "reach"}
    return {"type": "scatter", "mode": "lines", "x": x, "y": list(y), "line": line} | nothing
