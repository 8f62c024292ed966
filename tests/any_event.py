"""Any event there can be: hypothesis strategies that follow the annotations and the rules of the event classes."""

import string
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from main.domain.events import Account, DailyStats, Event
from tests.factories import START

LARGEST = 2**31 - 1
CURRENCIES = ("USD", "EUR", "JPY", "BTC")

texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=30)
names = texts.filter(bool)
moments = st.datetimes(datetime(2001, 1, 1), START.replace(tzinfo=None), timezones=st.just(UTC))  # noqa: DTZ001
positives = st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent), st.integers(1, 10**24), st.integers(-30, 24)
)
numbers = st.one_of(st.just(Decimal(0)), positives, positives.map(Decimal.copy_negate))
documents = st.dictionaries(
    texts,
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**60), 2**60) | texts | st.floats(-1e15, 1e15),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=5,
    ),
    max_size=3,
)

BY_NAME: Mapping[str, st.SearchStrategy[Any]] = {
    "account": st.just("A"),
    "currency": st.sampled_from(CURRENCIES),
    "zone": st.sampled_from(("UTC", "America/New_York", "Asia/Kolkata")),
    "roll_over": st.timedeltas(timedelta(hours=-12), timedelta(hours=23)),
    "periods_per_year": st.integers(1, 366),
    "lot_matching": st.sampled_from(("FIFO", "LIFO")),
    "filled_quantity": numbers.map(abs),
    "volume": numbers.map(abs),
    "name": names,
    "model": names,
    "pipeline": names,
}
"""Fields whose rules are the database's, or whose values must be known to it."""

BY_TYPE: Mapping[Any, st.SearchStrategy[Any]] = {
    str: texts,
    int: st.integers(0, LARGEST),
    bool: st.booleans(),
    Decimal: numbers,
    datetime: moments,
    date: st.dates(date(2001, 1, 1), START.date()),
    tuple[str, ...]: st.lists(texts, max_size=4).map(tuple),
    tuple[Decimal, ...]: st.lists(numbers, min_size=3, max_size=3).map(tuple),
}


@st.composite
def any_event(draw: st.DrawFn, kind: type[Event]) -> Event:
    """An event of a class, with every field drawn; its symbol is X."""
    hints = get_type_hints(kind)
    values = {spec.name: draw(_field(kind, spec.name, hints[spec.name])) for spec in fields(kind)}
    return kind(**_consistent(kind.__name__, values))


def numbered(event: Event, number: int) -> Event:
    """The event with a key of its own."""
    if isinstance(event, Account):
        return replace(event, account=f"A{number}")
    if isinstance(event, DailyStats):
        return replace(event, day=date(1990, 1, 1) + timedelta(days=number))
    for name in ("alert_id", "order_id", "position_id"):
        if name.removesuffix("_id").title() == type(event).__name__:
            return replace(event, **{name: f"{getattr(event, name)}{number}"})
    return replace(event, source=f"s{number}")  # type: ignore[call-arg]


def _field(kind: type[Event], name: str, hint: Any) -> st.SearchStrategy[Any]:
    if NoneType in get_args(hint):
        (inner,) = (part for part in get_args(hint) if part is not NoneType)
        return st.none() | _field(kind, name, inner)
    if name in kind.choices:
        return st.sampled_from(kind.choices[name])
    if name in kind.positive:
        return st.integers(1, LARGEST) if hint is int else positives
    if name == "symbol":
        return st.just("X")
    if get_origin(hint) is Mapping:
        return documents
    known = BY_NAME.get(name)
    return known if known is not None else BY_TYPE[hint]


def _consistent(kind: str, values: dict[str, Any]) -> dict[str, Any]:
    """The same values where they belong together."""
    if kind in ("Fill", "OrderEvent", "Trade", "Position"):
        values["quantity"] = abs(values["quantity"]) or Decimal(1)
    if kind == "Trade":
        values["entry_time"], values["at"] = sorted((values["entry_time"], values["at"]))
    if kind == "ModelPerformance":
        values["window_start"], values["at"] = sorted((values["window_start"], values["at"]))
    if kind == "Candle":
        values["low"], values["high"] = sorted((values["low"], values["high"]))
    if kind == "FxRate":
        values["base"], values["quote"] = "EUR", "USD"
    if kind == "Account":
        values["currency"] = values["currency"] + string.digits[:2]
    return values
