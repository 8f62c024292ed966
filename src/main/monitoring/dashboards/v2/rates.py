"""How is traffic drawn and written: two directions in bytes a second?"""

from collections.abc import Sequence
from datetime import datetime

from main import text
from main.monitoring.dashboards.v2 import figures


def rate(bytes_per_second: float | None) -> str:
    """Write a rate: `1.20 MB/s`."""
    return text.DASH if bytes_per_second is None else f"{text.bytes_(bytes_per_second)}/s"


def count_rate(per_second: float | None) -> str:
    """Write how often something happens in a second: `12`, below ten with a decimal."""
    if per_second is None:
        return text.DASH
    return f"{per_second:,.0f}" if per_second >= 10 else text.ratio(per_second, 1)


def two_ways(
    at: Sequence[datetime], into: tuple[str, figures.Series], out: tuple[str, figures.Series]
) -> figures.FigureDict:
    """Return two lines from zero, each with its name: what comes in and what goes out."""
    return figures.courses(
        at,
        [
            figures.Curve(out[0], out[1], "cat-2", fill=0.1, width=1.25),
            figures.Curve(into[0], into[1], "accent", fill=0.1, width=1.25),
        ],
        write=rate,
        ticks=lambda ticks: [text.bytes_(tick) if tick > 0 else "0" for tick in ticks],
    )
