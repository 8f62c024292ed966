"""Which token has a value's colour: seven steps around zero for money, seven from nothing for intensity."""

import math

STEPS = 3  # of colour on each side of zero


def step(value: float | None, clip: float) -> int:
    """Return a value's step from −3 to 3; `clip` and beyond is the last one, unknown is 0."""
    if value is None or not math.isfinite(value) or clip <= 0:
        return 0
    return round(max(-1.0, min(1.0, value / clip)) * STEPS)


def diverging(value: float | None, clip: float) -> str:
    """Return the colour of a gain or a loss, full at ±`clip`."""
    at = step(value, clip)
    return "@div-0" if at == 0 else f"@div-{'p' if at > 0 else 'n'}{abs(at)}"
