"""Which limits is a volatility read against: where do its bands begin, and what are they called?"""

from collections.abc import Sequence

from main.monitoring.dashboards.v2.figures import Level

_ABOVE = ("normal", "elevated", "high")
"""The bands that begin at the volatility read's limits, in their order."""


def band_levels(limits: Sequence[float], highest: float, *, scale: float = 1.0) -> list[Level]:
    """Return where each band begins, up to the first one above `highest`: the others would only press the line down.

    `limits` are fractions a year; `scale` is what 1 is on the chart's axis, and that of `highest`.
    """
    begins = [(limit * scale, f"{band} from {limit * 100:.0f}") for limit, band in zip(limits, _ABOVE, strict=False)]
    above = [each for each in begins if each[0] >= highest]
    return [Level(value, words) for value, words in [*(each for each in begins if each[0] < highest), *above[:1]]]
