"""What is held, by size and by profit: one tile a position."""

from collections.abc import Sequence
from dataclasses import dataclass

from main.monitoring.dashboards.v2.figures.parts import FigureDict, literal
from main.monitoring.dashboards.v2.figures.tones import diverging

_ROOMY = 0.1  # of all: a tile that has room for all its words
_CLIP = 0.03  # P&L per cent at which a tile has its full colour


@dataclass(frozen=True, slots=True)
class Tile:
    """A position as a tile: its size |value|, its colour P&L over cost (a fraction), its words ready to read.

    ``aside`` follows the name, in a line of its own where there is little room.
    """

    name: str
    value: float
    pnl_fraction: float | None
    lines: tuple[str, ...]
    hover: str
    aside: str = ""


def positions_treemap(tiles: Sequence[Tile]) -> FigureDict:
    """Return positions as areas of |value| in seven steps of colour around 0, clipped at ±3 % of P&L."""
    total = sum(abs(tile.value) for tile in tiles) or 1.0
    trace = {
        "type": "treemap",
        "ids": [str(index) for index in range(len(tiles))],
        "labels": [literal(f"{tile.name} {tile.aside}".rstrip()) for tile in tiles],
        "parents": [""] * len(tiles),
        "values": [abs(tile.value) for tile in tiles],
        "text": [_words(tile, roomy=abs(tile.value) / total > _ROOMY) for tile in tiles],
        "customdata": [literal(tile.hover) for tile in tiles],
        "texttemplate": "%{text}",
        "hovertemplate": "%{customdata}<extra></extra>",
        "marker": {
            "colors": [diverging(tile.pnl_fraction, _CLIP) for tile in tiles],
            "line": {"width": 2, "color": "@surface-panel"},
            "cornerradius": 4,
            "pad": {"t": 0, "l": 0, "r": 0, "b": 0},
        },
        "textfont": {"size": 11, "color": "@ink"},
        "tiling": {"pad": 2},
        "pathbar": {"visible": False},
        "root": {"color": "@surface-panel"},
    }
    layout = {
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "hovermode": "closest",
        "uniformtext": {"minsize": 11, "mode": "hide"},  # what does not fit is left to the tooltip, not made tiny
    }
    return {"data": [trace], "layout": layout}


def _words(tile: Tile, *, roomy: bool) -> str:
    # A small tile says its name only: more would not fit, and would be left out with it.
    name = f"<b>{literal(tile.name)}</b>"
    if roomy:
        return "<br>".join((f"{name} {literal(tile.aside)}".rstrip(), *map(literal, tile.lines)))
    return "<br>".join((name, *([literal(tile.aside)] if tile.aside else [])))
