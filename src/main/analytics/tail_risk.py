"""What does a bad day cost? Historical value at risk and the mean of what lies beyond it.

Nothing is assumed of the distribution: both are read off the returns themselves. They are shown as positive losses, a
fraction of equity; a negative one says that even the bad days gained.
"""

from collections.abc import Sequence

from main.analytics.figure import Figure
from main.analytics.sample import MINIMUM, mean, quantile, usable

TAIL = 0.05
"""Share of days in the tail: the worst one in twenty, "95 %"."""


def value_at_risk(returns: Sequence[float | None], *, tail: float = TAIL, minimum: int = MINIMUM) -> Figure:
    """Return −(the `tail` quantile of returns), linearly interpolated.

    As empyrical.value_at_risk with the sign turned; quantstats' is that of a normal distribution.
    """
    sample = usable(returns, max(minimum, 1))
    return sample if isinstance(sample, Figure) else Figure(-quantile(sample, tail))


def conditional_value_at_risk(returns: Sequence[float | None], *, tail: float = TAIL, minimum: int = MINIMUM) -> Figure:
    """Return −(mean of the returns at or below the `tail` quantile), never less than the value at risk.

    Also called expected shortfall: Rockafellar and Uryasev 2000. As empyrical, but with all of several equal returns at
    the quantile.
    """
    sample = usable(returns, max(minimum, 1))
    if isinstance(sample, Figure):
        return sample
    edge = quantile(sample, tail)
    return Figure(-mean([value for value in sample if value <= edge]))
