"""Which rows do the named paths answer with, where a read's own ones are put differently there?

Nothing is reckoned here: figures change their names and places, and a share is written in per cent beside itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from main.analytics.figure import Figure, missing
from main.monitoring.field_units import Unit
from main.monitoring.paging import Paged
from main.monitoring.reads.account_totals import CurrencyTotal
from main.monitoring.reads.bots import BotState
from main.monitoring.reads.cumulative_pnl import PeriodPnl
from main.monitoring.reads.daily_loss import DailyLoss
from main.monitoring.reads.pnl_by_period import PeriodTrades

Values = Mapping[str, Any]
"""What the reads of a path answered, by the names that its table gives them."""

_NOT_RECORDED = "nothing was recorded in the period"


@dataclass(frozen=True, slots=True)
class Returns:
    """Time-weighted returns of the same periods, fractions."""

    all_time: Figure
    ytd: Figure
    mtd: Figure
    wtd: Figure
    dtd: Figure


@dataclass(frozen=True, slots=True)
class CumulativePnl:
    """Net P&L of one currency: of all time, and since year, month, week and trading day began."""

    currency: str
    all_time: Decimal | None
    ytd: Decimal | None
    mtd: Decimal | None
    wtd: Decimal | None
    dtd: Decimal | None
    returns: Returns


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Net P&L of the closed trades of one currency by trading day, week and month, oldest first."""

    currency: str
    daily: list[PeriodTrades]
    weekly: list[PeriodTrades]
    monthly: list[PeriodTrades]


@dataclass(frozen=True, slots=True)
class DayStats:
    """One account's trading day. ``percentage`` is the loss used in per cent of its limit, ``loss_share`` the share."""

    account: str
    label: str
    currency: str
    day: date
    day_start: datetime
    result: Decimal | None
    loss_used: Decimal | None
    loss_limit: Decimal | None
    percentage: Figure
    loss_share: Figure
    origin: str | None
    limit_hit: bool | None
    trading_blocked: bool | None
    trailing_active: bool | None
    trailing_level: Decimal | None
    protected_profit: Decimal | None


@dataclass(frozen=True, slots=True)
class BotStatus:
    """One bot: online, offline (silent, stopped, never heard of) or in error. ``last_update``: when it was heard of.

    ``account`` is ``None`` where there is no account yet.
    """

    account: str | None
    status: Literal["online", "offline", "error"]
    last_update: datetime | None
    error_count: int | None
    uptime_seconds: float | None
    condition: str
    bot_status: str | None
    regime: str | None
    cycle_count: int | None
    version: str | None


UNITS: Mapping[type, Mapping[str, Unit]] = {
    CumulativePnl: dict.fromkeys(("all_time", "ytd", "mtd", "wtd", "dtd"), Unit.SIGNED_MONEY),
    Breakdown: {},
    Returns: {},
    BotStatus: {},
    Paged: {},
    DayStats: dict.fromkeys(("result", "loss_used", "loss_limit", "trailing_level", "protected_profit"), Unit.MONEY),
}
"""The units of these rows; of a read's own they follow from the names of the fields."""

NO_BOT = BotStatus(None, "offline", None, None, None, "unknown", None, None, None, None)

_PERIODS = {"all_time": "all", "ytd": "year", "mtd": "month", "wtd": "week", "dtd": "today"}


def cumulative(values: Values) -> list[CumulativePnl]:
    """Return one row a currency."""
    rows: Sequence[PeriodPnl] = values["cumulative_pnl"] or ()
    found = []
    for currency in dict.fromkeys(row.currency for row in rows):
        of = {row.period: row for row in rows if row.currency == currency}
        amounts = {name: of[period].pnl for name, period in _PERIODS.items()}
        returns = {name: _figure(of[period].period_return) for name, period in _PERIODS.items()}
        found.append(CumulativePnl(currency, **amounts, returns=Returns(**returns)))
    return found


def breakdown(values: Values) -> list[Breakdown]:
    """Return one row a currency."""
    lists: list[Sequence[PeriodTrades]] = [values[name] or () for name in ("daily", "weekly", "monthly")]
    currencies = dict.fromkeys(row.currency for rows in lists for row in rows)
    return [Breakdown(each, *([row for row in rows if row.currency == each] for rows in lists)) for each in currencies]


def day_stats(values: Values) -> list[DayStats]:
    """Return one row an account."""
    rows: Sequence[DailyLoss] = values["daily_loss"] or ()
    return [
        DayStats(
            account=row.account,
            label=row.label,
            currency=row.currency,
            day=row.day,
            day_start=row.day_start,
            result=row.result,
            loss_used=row.loss_used,
            loss_limit=row.loss_limit,
            percentage=_per_cent(row.loss_share),
            loss_share=row.loss_share,
            origin=row.origin,
            limit_hit=row.limit_hit,
            trading_blocked=row.trading_blocked,
            trailing_active=row.trailing_active,
            trailing_level=row.trailing_level,
            protected_profit=row.protected_profit,
        )
        for row in rows
    ]


def nearest_to_limit(values: Values, rows: Sequence[DayStats]) -> int | None:
    """Return the place of the account whose loss is nearest to its limit; ``None`` over several currencies."""
    totals: Sequence[CurrencyTotal] = values["account_totals"] or ()
    accounts = [row.account for row in rows]
    if len(totals) != 1 or totals[0].loss_account not in accounts:
        return None
    return accounts.index(totals[0].loss_account)


def bot_statuses(values: Values) -> list[BotStatus]:
    """Return one row a bot; one that is offline where there is none."""
    rows: Sequence[BotState] = values["bots"] or ()
    return [_status(row) for row in rows] or [NO_BOT]


def worst_off(values: Values, rows: Sequence[BotStatus]) -> int | None:
    """Return the place of the bot that is worst off: in error, else offline."""
    order = ("error", "offline", "online")
    return min(range(len(rows)), key=lambda place: order.index(rows[place].status), default=None)


def _status(row: BotState) -> BotStatus:
    status: Literal["online", "offline", "error"] = "online"
    if row.silent or row.status in (None, "stopped", "finished"):
        status = "offline"
    elif row.status == "error":
        status = "error"
    return BotStatus(
        row.account,
        status,
        row.heard_at,
        row.error_count,
        row.uptime_seconds,
        row.condition,
        row.status,
        row.regime,
        row.cycle_count,
        row.version,
    )


def _figure(value: float | None) -> Figure:
    return Figure(value) if value is not None else missing(_NOT_RECORDED)


def _per_cent(share: Figure) -> Figure:
    return Figure(round(share.value * 100, 10)) if share.value is not None else share
