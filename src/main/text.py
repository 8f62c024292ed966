"""How a number, an amount of money, a duration or a time is written for people.

Every surface (pages, terminal, command line, reports) formats here; the browser has one JavaScript twin.
- Thousands are parted by ",", decimals by "."; no locale is consulted.
- A minus is U+2212, never a hyphen, and zero has no sign, also when a small negative number rounds to it.
- What is not known (None, NaN, an infinity) is "—", never 0.
- Halves are rounded away from zero, on the shortest decimal that names a float: what JavaScript's Intl.NumberFormat
  does too, so that page and terminal agree, and 1.005 is "1.01" whether it came as float or as Decimal.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Context, Decimal

DASH = "—"
MINUS = "\u2212"

Number = int | float | Decimal

_ROUNDING = Context(prec=64, rounding=ROUND_HALF_UP)
_WIDEST = 21  # digits before the point; from 1e21 on JavaScript writes exponents too
_FINEST = 18  # decimals; the smallest step in use is a wei, 1e-18 of an ether
_COMPACT = ((Decimal(1), ""), (Decimal("1e3"), "k"), (Decimal("1e6"), "M"), (Decimal("1e9"), "B"))
_LATENCIES = ((Decimal("1e-6"), " µs"), (Decimal("1e-3"), " ms"), (Decimal(1), " s"))
_SIZES = tuple((Decimal(1000) ** power, unit) for power, unit in enumerate((" B", " kB", " MB", " GB", " TB", " PB")))
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def money(value: Number | None, decimals: int = 2) -> str:
    """Write an amount without its currency: `154,382.17`; a negative one with its minus."""
    return _write(_finite(value), decimals)


def signed_money(value: Number | None, decimals: int = 2) -> str:
    """Write a profit, loss or change: `+1,284.40`, `−312.60`, `0.00`."""
    return _write(_finite(value), decimals, signed=True)


def compact(value: Number | None, *, signed: bool = False) -> str:
    """Write a number for an axis or a tag: `208.3k`, `+1.2M`; below 1,000 a whole number has no decimal: `950`."""
    number = _finite(value)
    if number is None:
        return DASH
    scaled, unit = _scale(number, _COMPACT, lambda scaled: _round(scaled, 1))
    whole = not unit and scaled == scaled.to_integral_value()
    return _write(scaled, 0 if whole else 1, signed=signed, unit=unit)


def price(value: Number | None, tick: Number | None = None) -> str:
    """Write a price with as many decimals as the instrument's tick has: `690.12`, `0.00004210`.

    Without a tick the price's own decimals are kept, at least 2 and at most 8.
    """
    number = _finite(value)
    if number is None:
        return DASH
    return _write(number, _decimals(tick) if tick else min(max(_decimals(number), 2), 8))


def quantity(value: Number | None, step: Number | None = None) -> str:
    """Write a quantity with as many decimals as the instrument's step has: `1,180`, `0.0150`.

    Without a step the quantity's own decimals are kept, at most 8.
    """
    number = _finite(value)
    if number is None:
        return DASH
    return _write(number, _decimals(step) if step else min(_decimals(number), 8))


def percent(fraction: Number | None, decimals: int = 2, *, signed: bool = False) -> str:
    """Write a fraction as per cent: 0.0047 is `0.47%`, or `+0.47%` when signed. Weights and rates take one decimal.

    This and `percentage_points` are the only places that multiply by 100.
    """
    return _write(_times(fraction, 100), decimals, signed=signed, unit="%")


def percentage_points(difference: Number | None, decimals: int = 2) -> str:
    """Write the difference of two fractions: 0.1102 is `+11.02 pp`."""
    return _write(_times(difference, 100), decimals, signed=True, unit=" pp")


def bps(value: Number | None, *, signed: bool = False) -> str:
    """Write basis points: `0.29 bps`, two decimals under 10, else one; the unit of the value is already bps."""
    number = _finite(value)
    if number is None:
        return DASH
    return _write(number, 2 if abs(_round(number, 2)) < 10 else 1, signed=signed, unit=" bps")


def ratio(value: Number | None, decimals: int = 2, *, signed: bool = False) -> str:
    """Write a plain ratio such as Sharpe, or leverage in a column: `1.80`."""
    return _write(_finite(value), decimals, signed=signed)


def leverage(value: Number | None) -> str:
    """Write leverage inside text: `0.97×`."""
    return _write(_finite(value), 2, unit="×")


def duration(length: timedelta | Number | None) -> str:
    """Write a length of time (in seconds) in its two largest units, cut off: `2 s`, `4 m 12 s`, `6 d 04 h`."""
    number = _finite(length.total_seconds() if isinstance(length, timedelta) else length)
    if number is None:
        return DASH
    seconds = int(abs(number))
    minus = MINUS if number < 0 and seconds else ""
    for size, unit, smaller_size, smaller_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if seconds >= size:
            return f"{minus}{seconds // size:,} {unit} {seconds % size // smaller_size:02d} {smaller_unit}"
    return f"{minus}{seconds} s"


def latency(seconds: Number | None) -> str:
    """Write a short time in seconds to three significant digits: `6.24 ms`, `12.0 µs`, `1.50 s`."""
    number = _finite(seconds)
    if number is None:
        return DASH
    return _three_digits(number, _LATENCIES) if number else "0 ms"


def bytes_(count: Number | None) -> str:
    """Write a size to three significant digits, in powers of 1000: `1.94 GB`, `512 B`."""
    number = _finite(count)
    if number is None:
        return DASH
    return _three_digits(number, _SIZES) if abs(number) >= 1000 else _write(number, 0, unit=" B")


def moment(at: datetime | None, now: datetime, zone: tzinfo = UTC) -> str:
    """Write an aware time as seen from `now`: today `14:32:05`, this year `12 Oct 10:04`, else `12 Oct 2025`."""
    if at is None:
        return DASH
    local, today = at.astimezone(zone), now.astimezone(zone)
    if local.date() == today.date():
        return f"{local:%H:%M:%S}"
    day = f"{local.day} {_MONTHS[local.month - 1]}"
    return f"{day} {local:%H:%M}" if local.year == today.year else f"{day} {local.year}"


def event_time(at: datetime | None, zone: tzinfo = UTC) -> str:
    """Write the time of day of an event to the millisecond, cut off: `14:31:58.204`."""
    if at is None:
        return DASH
    local = at.astimezone(zone)
    return f"{local:%H:%M:%S}.{local.microsecond // 1000:03d}"


def _finite(value: Number | None) -> Decimal | None:
    if value is None:
        return None
    # str() of a float is the shortest decimal that names it; Decimal(float) would show its binary tail.
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    return number if number.is_finite() else None


def _times(value: Number | None, factor: int) -> Decimal | None:
    number = _finite(value)
    return None if number is None else _ROUNDING.multiply(number, Decimal(factor))


def _decimals(step: Number) -> int:
    number = _finite(step)
    exponent = number.normalize(_ROUNDING).as_tuple().exponent if number is not None else 0
    return min(max(0, -exponent), _FINEST) if isinstance(exponent, int) else 0


def _round(number: Decimal, decimals: int) -> Decimal:
    if number.adjusted() >= _WIDEST:
        return number
    return number.quantize(Decimal(1).scaleb(-decimals), context=_ROUNDING)


def _write(number: Decimal | None, decimals: int, *, signed: bool = False, unit: str = "") -> str:
    if number is None:
        return DASH
    rounded = _round(number, decimals)
    size = abs(rounded)
    digits = f"{size:.2e}" if size.adjusted() >= _WIDEST else f"{size:,.{decimals}f}"
    sign = MINUS if rounded < 0 else "+" if signed and rounded > 0 else ""
    return f"{sign}{digits}{unit}"


def _three_digits(number: Decimal, units: tuple[tuple[Decimal, str], ...]) -> str:
    scaled, unit = _scale(number, units, lambda scaled: _round(scaled, 2 - scaled.adjusted()))
    return _write(scaled, min(max(0, 2 - scaled.adjusted()), 3), unit=unit)


def _scale(
    number: Decimal, units: tuple[tuple[Decimal, str], ...], rounding: Callable[[Decimal], Decimal]
) -> tuple[Decimal, str]:
    # The unit is chosen after rounding: 999,960 is "1.0M", not "1,000.0k". The last unit takes whatever is left.
    candidates = ((rounding(_ROUNDING.divide(number, size)), unit) for size, unit in units)
    return next(((scaled, unit) for scaled, unit in candidates if abs(scaled) < 1000 or unit == units[-1][1]))
