"""How much stands in the book up to each price: bids to the left, asks to the right, in steps."""

from collections.abc import Sequence
from dataclasses import dataclass

from main.monitoring.dashboards.v2 import axes
from main.monitoring.dashboards.v2.figures.candles import price_ticks
from main.monitoring.dashboards.v2.figures.parts import FigureDict, room


@dataclass(frozen=True, slots=True)
class DepthPoint:
    """The size from the best price to this one; ``hover`` says it in words."""

    price: float
    cumulative: float
    hover: str


def book_depth(
    bids: Sequence[DepthPoint],
    asks: Sequence[DepthPoint],
    mid: float,
    *,
    mid_words: str,
    bid_words: str = "",
    ask_words: str = "",
) -> FigureDict:
    """Return both sides on one scale, each nearest first, with the middle marked and words above each side."""
    prices = [point.price for point in (*bids, *asks)]
    reach = max([abs(price - mid) for price in prices], default=abs(mid) * 0.001 or 1.0) * 1.02
    top = max([point.cumulative for point in (*bids, *asks)], default=0.0) or 1.0
    # Beside the middle's own, and not where it would reach under the axis of sizes.
    ticks = [tick for tick in axes.nice_ticks(mid - reach, mid + reach, 4) if 0.4 < abs(tick - mid) / reach < 0.85]
    yaxis = axes.value_axis(0.0, top * 1.12, axes.money_ticks, count=4)
    layout = {
        "margin": {"l": 0, "r": room(yaxis["ticktext"]), "t": 20, "b": 24},
        "hovermode": "closest",
        "xaxis": {
            "type": "linear",
            "range": [mid - reach, mid + reach],
            "tickvals": [*ticks, mid],
            "ticktext": [*price_ticks(ticks), f"<b>{mid_words}</b>"],
            "tickangle": 0,
            "showline": False,
            "fixedrange": True,
            "automargin": False,
        },
        "yaxis": yaxis,
        "shapes": [_middle(mid)],
        "annotations": [_above(bid_words, "left", 0), _above(ask_words, "right", 1)],
        "uirevision": "keep",
    }
    # Ascending along the axis: up to a bid there is what stands at it and nearer, from an ask on what stands up to it.
    left = _side(list(reversed(bids)), "Bids", "bid", "vh", ends_at=bids[0].price if bids else None)
    right = _side(asks, "Asks", "ask", "hv", starts_at=asks[0].price if asks else None)
    return {"data": [trace for trace in (left, right) if trace["x"]], "layout": layout}


def _side(
    points: Sequence[DepthPoint],
    name: str,
    tone: str,
    shape: str,
    *,
    starts_at: float | None = None,
    ends_at: float | None = None,
) -> FigureDict:
    x, y = [point.price for point in points], [point.cumulative for point in points]
    words = [point.hover for point in points]
    if starts_at is not None:
        x, y, words = [starts_at, *x], [0.0, *y], [words[0], *words]
    if ends_at is not None:
        x, y, words = [*x, ends_at], [*y, 0.0], [*words, words[-1]]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "name": name,
        "text": words,
        "hovertemplate": "%{text}<extra></extra>",
        "line": {"color": f"@{tone}", "width": 1.5, "shape": shape},
        "fill": "tozeroy",
        "fillcolor": f"@{tone}/0.18",
    }


def _above(words: str, side: str, x: float) -> FigureDict:
    place = {"xref": "paper", "x": x, "xanchor": side, "yref": "paper", "y": 1, "yanchor": "bottom"}
    return place | {"text": words, "font": {"size": 11, "color": "@ink-2"}, "showarrow": False, "borderpad": 0}


def _middle(mid: float) -> FigureDict:
    place = {"type": "line", "xref": "x", "x0": mid, "x1": mid, "yref": "paper", "y0": 0, "y1": 1}
    return place | {"line": {"color": "@ink-3", "width": 1, "dash": "4px,3px"}}
