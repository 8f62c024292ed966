"""Which way does a side point?"""

_SIGNS = {"buy": 1, "long": 1, "sell": -1, "short": -1}


def sign(side: str) -> int:
    """Return +1 for "buy" or "long" and −1 for "sell" or "short", in any case; ``ValueError`` for anything else."""
    try:
        return _SIGNS[side.lower()]
    except KeyError:
        raise ValueError(f"side {side!r}: use one of {', '.join(_SIGNS)}") from None
