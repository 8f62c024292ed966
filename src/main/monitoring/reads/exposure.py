"""Exposure: how much is at stake against equity, in which sectors, and how much of it in one symbol?"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from main.analytics import exposure as measures
from main.analytics.figure import Figure, missing
from main.database.query import Fetcher, Query
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.monitoring.paging import check_choice
from main.monitoring.read import Read

LEVERAGE_BANDS = (1.0, 1.2)
"""Leverage is normal below the first, raised up to the second, excessive above it (SPEC §5)."""


@dataclass(frozen=True, slots=True)
class SectorExposure:
    """What is held of one sector, ``None`` for symbols without one: Σ|MV|, ΣMV, and its share of all Σ|MV|."""

    sector: str | None
    gross: Decimal
    net: Decimal
    share: float


@dataclass(frozen=True, slots=True)
class SymbolWeight:
    """What is held of one symbol: Σ|MV|, ΣMV, and its weight in all Σ|MV|, a fraction."""

    symbol: str
    gross: Decimal
    net: Decimal
    weight: float


@dataclass(frozen=True, slots=True)
class Exposure:
    """What the accounts of one currency hold together, or one ``account`` alone. Money is in ``currency``.

    Exposures and leverage are multiples of equity: missing where equity is unknown or not above 0, or a position has no
    price. ``leverage_band``: normal, raised or excessive. ``concentration`` is Σ w² of the symbols, 1 for a single one.
    Symbols and sectors come with the largest gross first; both are empty, and gross and net ``None``, while a price is
    missing (``unpriced`` positions).
    """

    currency: str
    account: str | None
    label: str | None
    equity: Decimal | None
    positions: int
    unpriced: int
    gross: Decimal | None
    net: Decimal | None
    gross_exposure: Figure
    net_exposure: Figure
    leverage: Figure
    leverage_band: str | None
    max_weight: Figure
    concentration: Figure
    sectors: tuple[SectorExposure, ...]
    symbols: tuple[SymbolWeight, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """One open position, valued in account currency."""

    account: str
    symbol: str
    sector: str | None
    value: Decimal | None


@dataclass(frozen=True, slots=True)
class Owner:
    """An account and its newest equity."""

    account: str
    label: str
    currency: str
    equity: Decimal | None
    at: datetime | None


HELD = Query(
    Held,
    """
    SELECT p.account_id AS account, p.symbol, i.sector, p.value
      FROM open_positions($1, $2, $3, $4) p
      LEFT JOIN instruments i ON i.source = (SELECT a.source FROM accounts a WHERE a.account_id = p.account_id)
                             AND i.symbol = p.symbol
     WHERE $5::text IS NULL OR p.strategy = $5
    """,
)

OWNERS = Query(
    Owner,
    """
    SELECT a.account_id AS account, a.label, a.currency, e.equity::numeric AS equity, e.at::timestamptz AS at
      FROM accounts_at($1, $2, $3, $4) a
      LEFT JOIN LATERAL latest_equity(a.account_id, $2, $3) e ON true
     ORDER BY a.currency, a.account_id
    """,
)

CURRENCY, ACCOUNT = "currency", "account"


@dataclass(frozen=True, slots=True)
class ExposureParams:
    """Params: the accounts of a currency together, or each ``account`` alone."""

    by: str = CURRENCY

    def __post_init__(self) -> None:
        check_choice("by", self.by, (CURRENCY, ACCOUNT))


async def exposure(db: Fetcher, scope: Scope, asked: ExposureParams | None = None) -> list[Exposure]:
    """Return what is at stake, a row a currency or, with ``by=account``, an account; empty without accounts.

    Gross is Σ|market value|, net ΣMV with short positions negative, multiplier included; futures count with the value
    of their contracts, options with their premium. A row without positions has exposures of 0.
    """
    bounds = scope.bounds()
    which = (list(scope.accounts), bounds.end, bounds.known_at, scope.present)
    owners = await OWNERS.all(db, *which)
    held: dict[str, list[Held]] = defaultdict(list)
    for row in await HELD.all(db, *which, scope.strategy):
        held[row.account].append(row)
    groups: dict[tuple[str, str | None], list[Owner]] = defaultdict(list)
    for owner in owners:
        groups[owner.currency, owner.account if asked and asked.by == ACCOUNT else None].append(owner)
    return [
        _exposure(currency, account, group, [row for owner in group for row in held[owner.account]])
        for (currency, account), group in groups.items()
    ]


def _exposure(currency: str, account: str | None, owners: Sequence[Owner], held: Sequence[Held]) -> Exposure:
    known = [(row, row.value) for row in held if row.value is not None]
    unpriced = len(held) - len(known)
    unknown = [owner.account for owner in owners if owner.equity is None]
    equity = None if unknown else sum((owner.equity or Decimal(0) for owner in owners), Decimal(0))
    values = [float(value) for _, value in known]
    reason = f"no equity recorded of {', '.join(unknown)}" if unknown else ""
    reason = f"no price of {unpriced} of {len(held)} positions" if unpriced else reason
    worth = float(equity or 0)
    leverage = missing(reason) if reason else measures.leverage(values, worth)
    parts = [] if unpriced else known
    symbols = _symbols(parts)
    weights = {each.symbol: float(each.gross) for each in symbols}
    return Exposure(
        currency,
        account,
        owners[0].label if account is not None else None,
        equity,
        len(held),
        unpriced,
        None if unpriced else sum((abs(value) for _, value in known), Decimal(0)),
        None if unpriced else sum((value for _, value in known), Decimal(0)),
        missing(reason) if reason else measures.gross_exposure(values, worth),
        missing(reason) if reason else measures.net_exposure(values, worth),
        leverage,
        _band(leverage),
        missing(reason) if unpriced else measures.max_weight(weights),
        missing(reason) if unpriced else measures.concentration(weights),
        _sectors(parts),
        symbols,
    )


def _band(leverage: Figure) -> str | None:
    if leverage.value is None:
        return None
    normal, raised = LEVERAGE_BANDS
    return "normal" if leverage.value < normal else "raised" if leverage.value <= raised else "excessive"


def _symbols(parts: Sequence[tuple[Held, Decimal]]) -> tuple[SymbolWeight, ...]:
    values: dict[str, list[Decimal]] = defaultdict(list)
    for row, value in parts:
        values[row.symbol].append(value)
    sums = {symbol: (sum(map(abs, each), Decimal(0)), sum(each, Decimal(0))) for symbol, each in values.items()}
    weights = measures.weights({symbol: float(gross) for symbol, (gross, _) in sums.items()})
    found = [SymbolWeight(symbol, *both, weights.get(symbol, 0.0)) for symbol, both in sums.items()]
    return tuple(sorted(found, key=lambda each: (-each.gross, each.symbol)))


def _sectors(parts: Sequence[tuple[Held, Decimal]]) -> tuple[SectorExposure, ...]:
    values: dict[str | None, list[Decimal]] = defaultdict(list)
    for row, value in parts:
        values[row.sector].append(value)
    sums = {sector: (sum(map(abs, each), Decimal(0)), sum(each, Decimal(0))) for sector, each in values.items()}
    whole = sum(gross for gross, _ in sums.values())
    found = [SectorExposure(sector, *both, float(both[0] / whole) if whole else 0.0) for sector, both in sums.items()]
    return tuple(sorted(found, key=lambda each: (each.sector is None, -each.gross, each.sector or "")))


READ = Read(
    "exposure",
    "Exposure",
    exposure,
    topics=frozenset({Topic.POSITIONS, Topic.EQUITY, Topic.ACCOUNTS}),
    unit="account currency",
    freshness=timedelta(minutes=1),
    params=ExposureParams,
    scalar=lambda rows: rows[0].leverage.value if len(rows) == 1 else None,
    formula="gross Σ|MV| / equity, net ΣMV / equity, leverage = gross notional / equity; concentration Σ w²",
    references=("Hirschman 1945; Herfindahl 1950",),
)
