"""What of the derived rows is not as the facts say? Pure comparisons of what is stored with what was folded."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from operator import attrgetter

from main.books.fold import Books, VersionKey
from main.books.stored import Version
from main.domain.events import Equity, Position, Trade

_ZERO = Decimal(0)

_trade_content = attrgetter(
    "symbol",
    "transaction_type",
    "quantity",
    "at",
    "entry_time",
    "entry_price",
    "exit_price",
    "gross_pnl",
    "fees",
    "realized_pnl",
    "fx_rate",
    "position_id",
    "mfe",
    "mae",
)
_held = attrgetter("symbol", "side", "quantity", "multiplier", "entry_time", "entry_price", "is_active")
_figures = attrgetter(
    "equity", "cash", "realized_pnl", "unrealized_pnl", "fees", "gross_exposure", "net_exposure", "available_margin"
)
_facts = attrgetter("cash", "realized_pnl", "fees")


@dataclass(slots=True)
class VersionChanges:
    """Versions that turned out wrong, by their numbers in the history, and those that take their place."""

    superseded: list[Version] = field(default_factory=list)
    added: dict[VersionKey, Position] = field(default_factory=dict)


def trade_revisions(
    kept: Iterable[Trade], folded: Sequence[Trade], since: datetime, purged: datetime | None
) -> list[Trade]:
    """Return the trades to write: new ones, higher revisions of those that differ, quantity 0 for those that vanished.

    What the fold cannot know is taken over: exit type, notes and tags; the excursions of a trade that began before
    `purged`, of which not all prices are there any more.
    """
    before = {(trade.source, trade.source_id): trade for trade in kept}
    changes = []
    for trade in folded:
        known = before.pop((trade.source, trade.source_id), None)
        if known is None:
            changes.append(trade)
            continue
        told = _told(trade, known, purged)
        if _trade_content(told) != _trade_content(known):
            changes.append(told)
    changes += [
        replace(trade, revision=trade.revision + 1, quantity=_ZERO, gross_pnl=_ZERO, fees=_ZERO, realized_pnl=_ZERO)
        for trade in before.values()
        if trade.quantity and trade.at >= since and trade.entry_fill is not None and trade.exit_fill is not None
    ]
    return changes


def _told(trade: Trade, known: Trade, purged: datetime | None) -> Trade:
    lost = known.quantity and purged is not None and trade.entry_time < purged
    return replace(
        trade,
        revision=known.revision + 1,
        exit_type=known.exit_type,
        notes=known.notes,
        tags=known.tags,
        mfe=known.mfe if lost else trade.mfe,
        mae=known.mae if lost else trade.mae,
    )


def version_changes(versions: Sequence[Version], books: Books) -> VersionChanges:
    """Return what makes the history of positions say what the fold says.

    A version that differs in its mark alone stays. One that was wrong is replaced at its own moment, so that the marks
    of its time are kept; a state the history missed is added.
    """
    changes = VersionChanges()
    stored: dict[str, dict[datetime, list[Version]]] = {}
    for version in versions:
        stored.setdefault(version.position.position_id, {}).setdefault(version.position.at, []).append(version)
    folded: dict[str, list[datetime]] = {}
    for position_id, at in books.versions:
        folded.setdefault(position_id, []).append(at)
    for position_id in stored.keys() | folded.keys():
        _compare(changes, stored.get(position_id, {}), folded.get(position_id, []), position_id, books)
    return changes


def _compare(
    changes: VersionChanges,
    stored: Mapping[datetime, list[Version]],
    folded: Sequence[datetime],
    position_id: str,
    books: Books,
) -> None:
    effective: object = None  # what the history says by then
    minutes = {_minute(at) for at in stored}
    for at in sorted({*stored, *folded}):
        key = position_id, at
        right = books.versions[key] if key in books.versions else books.looked.get(key)
        held = _held(right) if right is not None else None
        if at in stored:
            said = _held(stored[at][-1].position)
            if held == said:
                effective = said
                continue
            changes.superseded += stored[at]
        elif _minute(at) in minutes if key in books.marked else held == effective:
            continue
        if right is not None:
            changes.added[key] = right
            effective = held


def equity_revisions(kept: Iterable[Equity], folded: Iterable[Equity], purged: datetime | None) -> list[Equity]:
    """Return the observations to write: new ones, and higher revisions of those whose figures differ.

    Before `purged` not all prices are there any more: an observation stays where nothing but its marks differs.
    """
    before = {(each.source_id, each.at): each for each in kept}
    changes = []
    for each in folded:
        known = before.get((each.source_id, each.at))
        if known is None:
            changes.append(each)
        elif purged is not None and each.at < purged and _facts(known) == _facts(each):
            continue
        elif _figures(known) != _figures(each) or (known.fx_pnl or _ZERO) != (each.fx_pnl or _ZERO):
            changes.append(replace(each, revision=known.revision + 1))
    return changes


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
