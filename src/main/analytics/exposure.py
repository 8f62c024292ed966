"""How much is at stake, how is it spread, and how fast does it turn over?

Market values are signed, short ones below zero, in the account's currency, multiplier included. Ratios to equity are
missing where equity is not above zero.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from main.analytics.figure import Figure, missing, quotient, too_few
from main.analytics.sample import MINIMUM, mean

NO_EQUITY = "equity is not above zero"
NO_POSITIONS = "no positions"


@dataclass(frozen=True, slots=True)
class KeyExposure:
    """What is held of one sector, strategy or currency: Σ|MV| and ΣMV; the key is None where it is not known."""

    key: str | None
    gross: float
    net: float


def gross(values: Iterable[float]) -> float:
    """Return Σ|MV|, 0 without positions."""
    return math.fsum(map(abs, values))


def net(values: Iterable[float]) -> float:
    """Return ΣMV, 0 without positions."""
    return math.fsum(values)


def gross_exposure(values: Iterable[float], equity: float) -> Figure:
    """Return Σ|MV| / equity, a fraction. Options count by premium, which is their market value."""
    return quotient(gross(values), equity, NO_EQUITY)


def net_exposure(values: Iterable[float], equity: float) -> Figure:
    """Return ΣMV / equity, a fraction, below zero for an account that is short."""
    return quotient(net(values), equity, NO_EQUITY)


def leverage(notionals: Iterable[float], equity: float) -> Figure:
    """Return Σ|notional| / equity: of futures the contract value, of options `delta_notional`, of others their MV."""
    return quotient(gross(notionals), equity, NO_EQUITY)


def delta_notional(delta: float, quantity: float, multiplier: float, underlying: float) -> float:
    """Return delta · quantity · multiplier · price of the underlying: what an option stands for. Label it as such."""
    return delta * quantity * multiplier * underlying


def weights(values: Mapping[str, float]) -> dict[str, float]:
    """Return |MV| / Σ|MV| of each position, fractions that add up to 1; empty where nothing is held."""
    whole = gross(values.values())
    return {name: abs(value) / whole for name, value in values.items()} if whole > 0 else {}


def max_weight(values: Mapping[str, float]) -> Figure:
    """Return the largest weight, a fraction."""
    largest = max(weights(values).values(), default=None)
    return missing(NO_POSITIONS) if largest is None else Figure(largest)


def concentration(values: Mapping[str, float]) -> Figure:
    """Return the Herfindahl–Hirschman index Σ w²: 1 for a single position, 1 / n for n equal ones."""
    shares = weights(values).values()
    return Figure(math.fsum(share**2 for share in shares)) if shares else missing(NO_POSITIONS)


def exposure_by_key(positions: Iterable[tuple[str | None, float]]) -> list[KeyExposure]:
    """Return gross and net by key, the largest gross first, keys in alphabetical order where equal, unknown last."""
    held: dict[str | None, list[float]] = {}
    for key, value in positions:
        held.setdefault(key, []).append(value)
    found = [KeyExposure(key, gross(values), net(values)) for key, values in held.items()]
    return sorted(found, key=lambda row: (row.key is None, -row.gross, row.key or ""))


def risk_per_trade(entry: float, stop: float | None, quantity: float, multiplier: float, equity: float) -> Figure:
    """Return |entry − initial stop|·quantity·multiplier / equity, a fraction; missing without a stop.

    All in one currency: convert the prices first where the instrument has another than the account.
    """
    if stop is None:
        return missing("no stop was set")
    return quotient(abs(entry - stop) * abs(quantity) * multiplier, equity, NO_EQUITY)


def turnover(
    buys: float,
    sells: float,
    equities: Sequence[float],
    periods_per_year: float,
    *,
    days: int | None = None,
    minimum: int = MINIMUM,
) -> Figure:
    """Return min(buys, sells) / average equity · A / n, one-way and a year: 1 is the whole account once.

    Buys and sells are notional, both ≥ 0; ``equities`` one a day, at its close; n their number, or `days` where some
    are missing. Missing below `minimum` days, and where equity is not above zero on average.
    """
    if len(equities) < max(minimum, 1):
        return too_few(len(equities), max(minimum, 1))
    return quotient(min(buys, sells), mean(equities), NO_EQUITY, periods_per_year / (days or len(equities)))
