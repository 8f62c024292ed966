"""How are recorded bars handed to the charts that draw them: as numbers, and in words for the tooltip?"""

from collections.abc import Sequence

from main import text
from main.monitoring.dashboards.v2 import figures
from main.monitoring.reads.candles import Bar


def candle_bars(
    bars: Sequence[Bar], tick: text.Number | None = None, quantity_step: text.Number | None = None
) -> list[figures.Candle]:
    """Return the bars in their order; prices are written in steps of `tick`, volumes of `quantity_step`."""
    return [
        figures.Candle(
            bar.at,
            float(bar.open),
            float(bar.high),
            float(bar.low),
            float(bar.close),
            None if bar.volume is None else float(bar.volume),
            _said(bar, tick, quantity_step),
            bar.closed,
        )
        for bar in bars
    ]


def bar_length(seconds: float) -> str:
    """Return how long a bar is: `5 min`, `1 h`, `1 d`."""
    sizes = ((86_400, "d"), (3_600, "h"), (60, "min"))
    size, unit = next((each for each in sizes if seconds >= each[0] and seconds % each[0] == 0), (1, "s"))
    return f"{seconds / size:g} {unit}"


def _said(bar: Bar, tick: text.Number | None, step: text.Number | None) -> str:
    prices = [("Open", bar.open), ("High", bar.high), ("Low", bar.low), ("Close", bar.close)]
    lines = [f"{name} {text.price(value, tick)}" for name, value in prices]
    if not bar.closed:  # its close is only the newest price
        return "<br>".join(["Still forming", *lines])
    return "<br>".join([*lines, f"Volume {text.quantity(bar.volume, step)}"])
