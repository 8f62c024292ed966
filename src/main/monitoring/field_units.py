"""In which unit is a field of an answer? Its name and type tell, by the suite's own words for things.

A name has one meaning everywhere; the few that depend on what they are a field of stand under the row's own name.
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from main.analytics.figure import Figure


class Unit(StrEnum):
    """What a value of a field means, and so how it is written."""

    TEXT = "text"
    FLAG = "yes or no"
    COUNT = "count"
    MONEY = "money"
    SIGNED_MONEY = "money, signed"
    PRICE = "price"
    QUANTITY = "quantity"
    FRACTION = "fraction"
    SIGNED_FRACTION = "fraction, signed"
    BPS = "basis points"
    RATIO = "ratio"
    MULTIPLE = "multiple of equity"
    SECONDS = "seconds"
    LATENCY = "seconds, short"
    DAYS = "days"
    BYTES = "bytes"
    RATE = "a second"
    NUMBER = "number"
    TIME = "time"
    DATE = "date"
    PART = "table"
    UNDECIDED = "number of unknown unit"


_WORDS: Mapping[Unit, str] = {
    Unit.SIGNED_MONEY: "pnl net_pnl gross_pnl realized_pnl unrealized_pnl today_pnl realized_today gross_today result "
    "cumulative expectancy best worst change realized unrealized_change funding dividends interest external fx "
    "residual gain net total_profit total_loss average_win average_loss",
    Unit.MONEY: "equity cash available_margin value fees fees_today fee cost amount notional gross loss_used "
    "loss_limit limit trailing_level protected_profit budget delay impact unsplit opportunity total slippage spread "
    "fees_per_trade maker_notional taker_notional unknown_notional maker_fees taker_fees unknown_fees "
    "equity_before equity_after average_equity buys sells",
    Unit.PRICE: "price entry_price exit_price current_price stop_price average_fill_price decision_price arrival_mid "
    "initial_stop mid mid_price best_bid best_ask open high low close tick prices",
    Unit.QUANTITY: "quantity filled_quantity order_quantity quantity_step bid_depth ask_depth size volume",
    Unit.FRACTION: "accuracy completeness concentration "
    "volatility cpu cpu_mean cpu_max cpu_limit memory memory_mean memory_max disk_max "
    "memory_limit disk disk_limit positive_days progress passed share used value_at_risk conditional_value_at_risk "
    "volume_coverage weight max_weight win_rate risk deviation risk_free minimum_return window bands gross_exposure",
    Unit.SIGNED_FRACTION: "alpha best_day best_change change cagr current current_drawdown deepest depth drawdown "
    "excess imbalance mae max_drawdown mean median median_change mfe momentum net_exposure period_return pnl_share "
    "roi today_return unrealized_share worst_change worst_day",
    Unit.RATIO: "benchmark benchmark_correlation beta calmar cells drift error expectancy_r growth ic multiplier "
    "payoff profit_factor turnover r_multiple risk_factor sharpe sortino fx_rate",
    Unit.BPS: "bps",
    Unit.MULTIPLE: "leverage",
    Unit.LATENCY: "p50 p90 p95 p99 longest ping_seconds probe_seconds push_p50_seconds push_p95_seconds late_seconds "
    "last_seconds",
    Unit.NUMBER: "level threshold load load_max load_1 load_5 load_15 limit_cores celsius highest_celsius high_celsius "
    "critical_celsius",
}
_ENDINGS: Mapping[str, Unit] = {
    "_bps": Unit.BPS,
    "_per_second": Unit.RATE,
    "_seconds": Unit.SECONDS,
    "_bytes": Unit.BYTES,
    "_days": Unit.DAYS,
    "_return": Unit.SIGNED_FRACTION,
    "_change": Unit.SIGNED_FRACTION,
    "_share": Unit.FRACTION,
    "_price": Unit.PRICE,
    "_quantity": Unit.QUANTITY,
    "_pnl": Unit.SIGNED_MONEY,
}
_OF_ROW: Mapping[tuple[str, str], Unit] = {
    ("Alert", "value"): Unit.NUMBER,
    ("CustomMetric", "recent"): Unit.NUMBER,
    ("CustomMetric", "value"): Unit.NUMBER,
    ("MetricPoint", "high_value"): Unit.NUMBER,
    ("MetricPoint", "low_value"): Unit.NUMBER,
    ("MetricPoint", "mean_value"): Unit.NUMBER,
    ("MetricPoint", "value"): Unit.NUMBER,
    ("CalendarDay", "week_to_date"): Unit.SIGNED_MONEY,
    ("CalendarDay", "month_to_date"): Unit.SIGNED_MONEY,
    ("CalendarDay", "year_to_date"): Unit.SIGNED_MONEY,
    ("MonthReturn", "year_to_date"): Unit.SIGNED_FRACTION,
    ("OpenAlert", "value"): Unit.NUMBER,
    ("EquityPoint", "high"): Unit.MONEY,
    ("EquityPoint", "low"): Unit.MONEY,
    ("IndexPoint", "high"): Unit.NUMBER,
    ("IndexPoint", "low"): Unit.NUMBER,
    ("Bin", "low"): Unit.NUMBER,
    ("Bin", "high"): Unit.NUMBER,
    ("DrawdownPeriod", "days"): Unit.DAYS,
    ("Latency", "mean"): Unit.LATENCY,
    ("Level", "cumulative"): Unit.QUANTITY,
    ("SpreadHistory", "median"): Unit.BPS,
    ("SpreadHistory", "usual_high"): Unit.BPS,
    ("SpreadHistory", "usual_low"): Unit.BPS,
    ("SpreadPoint", "spread_high"): Unit.BPS,
    ("SpreadPoint", "spread_low"): Unit.BPS,
    ("TradeDetail", "risk"): Unit.MONEY,
    ("ProofRow", "unrealized_change"): Unit.SIGNED_MONEY,
    ("ProofRow", "change"): Unit.SIGNED_MONEY,
}
_BY_TYPE: Mapping[type, Unit] = {
    str: Unit.TEXT,
    bool: Unit.FLAG,
    int: Unit.COUNT,
    datetime: Unit.TIME,
    date: Unit.DATE,
    timedelta: Unit.SECONDS,
}
_BY_NAME = {
    (name, number): unit
    for unit, words in _WORDS.items()
    for name in words.split()
    for number in ((Decimal,) if name == "change" and unit is Unit.SIGNED_MONEY else (Decimal, float))
}


@cache
def units_of(row: type) -> Mapping[str, Unit]:
    """Return the unit of every field of a row, in their order; a field that is a table of its own is a ``PART``.

    A number whose name says nothing of its unit is ``UNDECIDED``: give it one here, or another name.
    """
    hints = get_type_hints(row)
    return {spec.name: _unit(row.__name__, spec.name, hints[spec.name]) for spec in fields(row)}


def _unit(row: str, name: str, hint: Any) -> Unit:
    kind = kind_of(hint)
    if kind in (int, float, Decimal) and (row, name) in _OF_ROW:
        return _OF_ROW[row, name]
    if kind in _BY_TYPE and not (kind is int and name.endswith(("_bytes", "_seconds"))):
        return _BY_TYPE[kind]
    if kind not in (int, float, Decimal):
        return Unit.PART
    ending = (unit for end, unit in _ENDINGS.items() if name.endswith(end))
    return _BY_NAME.get((name, kind)) or next(ending, Unit.UNDECIDED)


def kind_of(hint: Any) -> Any:
    """Return what a value of the type is made of, ``None`` and collections of plain values aside; a figure is a float.

    A row type stands for itself and for a list of such rows.
    """
    if isinstance(hint, UnionType) or get_origin(hint) is Union:
        return next(kind_of(part) for part in get_args(hint) if part is not NoneType)
    origin = get_origin(hint)
    if origin in (list, tuple):
        return kind_of(get_args(hint)[0])
    if origin is dict:
        return dict
    if hint is Figure:
        return float
    return type(get_args(hint)[0]) if origin is not None and get_args(hint) and not isinstance(origin, type) else hint
