"""Money of two currencies is never added: with an account more of another currency, no row of the first one changes."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from main.analytics.figure import Figure
from main.database.pool import Database
from main.domain.scope import Scope
from main.monitoring.field_units import Unit, units_of
from main.monitoring.parameters import own_parameters
from main.monitoring.read import Read, reads
from tests.given import DAY, MOMENT, insert
from tests.given_everything import ACCOUNTS, given_everything

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # how the calendar library uses pandas

MONEY = (Unit.MONEY, Unit.SIGNED_MONEY)
OF_NO_ACCOUNT = {"models"}
"""Budgets are of one model each; nothing adds them."""
OF_THE_NEWEST = {"activity"}
"""The newest few of everybody: there are fewer of each among them."""
NOT_SUMMED = {"loss_used", "loss_limit"}
"""Of the one account that is nearest to its limit."""
RATE = Decimal("1.25")


@dataclass(frozen=True)
class Told:
    """A row that has a currency, its own or that of the row it lies in."""

    place: str
    currency: str
    facts: str


def told(value: Any, place: str, currency: str | None = None) -> Iterator[Told]:
    """Every row of a value by currency. Fails on money whose currency nobody says."""
    if isinstance(value, list | tuple):
        for each in value:
            yield from told(each, place, currency)
    elif is_dataclass(value) and not isinstance(value, Figure):
        known: Any = type(value)
        units = units_of(known) if type(value).__name__ != "Paged" else {}
        currency = _currency_of(value) or currency
        money = [name for name, unit in units.items() if unit in MONEY and _figure(getattr(value, name)) is not None]
        assert currency is not None or not money, f"{place}: in which currency are {', '.join(money)}?"
        plain = {name: getattr(value, name) for name, unit in units.items() if unit is not Unit.PART}
        if currency is not None:
            yield Told(place, currency, repr(plain))
        for spec in fields(value):
            yield from told(getattr(value, spec.name), f"{place}.{spec.name}", currency)


def _currency_of(row: Any) -> str | None:
    own: str | None = getattr(row, "currency", None)
    return own or getattr(getattr(row, "trade", None), "currency", None)


def _figure(value: Any) -> Any:
    return value.value if isinstance(value, Figure) else value


async def asked(database: Database, read: Read[Any], *accounts: str, params: Any = None, **about: Any) -> Any:
    scope = Scope(accounts=accounts, **({"window": "3M"} | about)).resolved(MOMENT)
    async with database.scoped(accounts) as connection:
        return await (read.fetch(connection, scope) if params is None else read.fetch(connection, scope, params))


def most(read: Read[Any], **given: Any) -> Any:
    """Its parameters by default, but for a page as long as it may be."""
    if read.params is None:
        return None
    names = {each.name for each in own_parameters(read)}
    return replace(read.params(), **({"limit": 500} if "limit" in names else {}), **given)


def choices(read: Read[Any]) -> Iterator[Any]:
    """The parameters by default, and by every way to part the figures that there is."""
    yield most(read)
    for each in own_parameters(read):
        if each.name in ("by", "period", "orders"):
            yield from (most(read, **{each.name: choice}) for choice in each.choices if choice != each.default)


async def test_no_row_of_a_currency_changes_when_an_account_of_another_joins(
    service: Database, database: Database
) -> None:
    await given_everything(service)
    moneyed = set()
    for read in (read for read in reads().values() if read.source == "sql" and read.name not in OF_NO_ACCOUNT):
        for params in choices(read):
            apart = [
                row for id_ in ACCOUNTS for row in told(await asked(database, read, id_, params=params), read.name)
            ]
            together = list(told(await asked(database, read, *ACCOUNTS, params=params), read.name))
            new = Counter(together) - Counter(apart)
            assert not new, (params, next(iter(new)))
            assert read.name in OF_THE_NEWEST or set(together) == set(apart), (read.name, params)
            moneyed |= {read.name for row in together if row.currency == "EUR"}
    assert len(moneyed) > 25, "the test has lost what it is about"


CONVERTING = [read for read in reads().values() if "currency" in {each.name for each in own_parameters(read)}]


@pytest.mark.parametrize("read", CONVERTING, ids=lambda read: read.name)
async def test_in_one_currency_all_is_converted_at_the_rate_known_at_the_moment_or_unknown(
    read: Read[Any], service: Database, database: Database
) -> None:
    await given_everything(service)
    in_dollars = most(read, currency="USD")
    [without] = await asked(database, read, *ACCOUNTS, params=in_dollars)
    assert without.missing_rates == ["EUR"]
    assert {name for name, value in _sums(without).items() if value is not None} == set()
    rates = [(MOMENT - DAY, RATE, MOMENT - DAY), (MOMENT + DAY, Decimal(9), MOMENT + DAY)]
    rates += [(MOMENT - DAY / 2, Decimal(7), MOMENT + DAY)]  # of before, and learned afterwards
    columns = ("at", "rate", "recorded_at")
    await insert(
        service,
        "fx_rates",
        [{"source": "sim", "base": "EUR", "quote": "USD", **dict(zip(columns, row, strict=True))} for row in rates],
    )
    then = {"as_of": MOMENT, "known_at": MOMENT + timedelta(seconds=1)}
    [first] = await asked(database, read, "A", **then)
    [second] = await asked(database, read, "B", **then)
    [both] = await asked(database, read, *ACCOUNTS, params=in_dollars, **then)
    assert both.missing_rates == []
    mine, others = _sums(first), _sums(second)
    for name, value in _sums(both).items():
        expected = None if mine[name] is None or others[name] is None else mine[name] + RATE * others[name]
        assert value == expected, name


def _sums(row: Any) -> dict[str, Any]:
    known: Any = type(row)
    return {name: getattr(row, name) for name, unit in units_of(known).items() if unit in MONEY} | dict.fromkeys(
        NOT_SUMMED
    )


def test_there_is_a_way_to_have_all_accounts_in_one_currency() -> None:
    assert [read.name for read in CONVERTING]
