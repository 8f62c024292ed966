"""Trade statistics: how often do the closed trades win, how much, and how long are they held?"""

from collections.abc import Callable

from dash.development.base_component import Component

from main import text
from main.analytics.figure import Figure
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, one_currency, reasons
from main.monitoring.dashboards.v2.components import Child
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Column, Row, table
from main.monitoring.reads import accounts, bots, trade_statistics
from main.monitoring.reads.trade_statistics import TradeFigures


def draw(answers: Answers, scope: Scope) -> Component:
    traded = [row for row in answers[trade_statistics.READ].value or [] if row.trades]
    rows = one_currency.shown(traded, answers[accounts.READ].value)
    if not rows:
        running = f"no trade was closed in {scope.window}: choose a longer range."
        return reasons.nothing(answers, scope, "No closed trades", running, icon_name="table-2", ranged=True)
    columns = [
        Column("Figure", phone="name"),
        Column("Value", "right", phone="corner"),
        Column("Of which", "left", phone="figure", muted=True),
    ]
    lines = [Row(name, [name, value, detail]) for name, value, detail in _lines(rows[0])]
    return table(columns, lines, label="Trade statistics", narrow=True)


def caption(answers: Answers, scope: Scope) -> str:
    traded = [row for row in answers[trade_statistics.READ].value or [] if row.trades]
    rows = one_currency.shown(traded, answers[accounts.READ].value)
    closed = f"{rows[0].trades:,} closed trade{'' if rows[0].trades == 1 else 's'}" if rows else ""
    return one_currency.caption(traded, answers[accounts.READ].value, scope.window, closed)


def _lines(row: TradeFigures) -> list[tuple[str, Child, str]]:
    even = f", {row.break_evens:,} even" if row.break_evens else ""
    in_r = row.expectancy_r
    r = f"{text.ratio(in_r.value, signed=True)} R a trade" if in_r.value is not None else f"in R: {in_r.reason}"
    newest = f" of the newest {row.recent:,}" if row.recent < row.trades else ""
    return [
        ("Net P&L", components.signed_money(row.net_pnl), f"after fees of {text.money(row.fees)}"),
        ("Win rate", _plain(row.win_rate, _share), f"{row.wins:,} won, {row.losses:,} lost{even}"),
        ("Profit factor", _plain(row.profit_factor, text.ratio), _sums(row)),
        ("Expectancy", _money(row.expectancy), r + newest),
        ("Payoff", _plain(row.payoff, text.ratio), _averages(row)),
        ("Average hold", _plain(row.average_hold_seconds, text.duration), ""),
        ("Best trade", _money(row.best), ""),
        ("Worst trade", _money(row.worst), ""),
        ("Longest streak", _streak(row.longest_winning_streak), f"{_losses(row.longest_losing_streak)}{newest}"),
        ("Streak now", _streak(row.current_streak), ""),
    ]


def _share(value: float | None) -> str:
    return text.percent(value, 1)


def _plain(figure: Figure, write: Callable[[float | None], str]) -> Component:
    return components.amount(write(figure.value), reason=figure.reason)


def _money(figure: Figure) -> Component:
    return components.unknown(figure.reason) if figure.value is None else components.signed_money(figure.value)


def _sums(row: TradeFigures) -> str:
    return f"{text.signed_money(row.total_profit)} won, {text.signed_money(row.total_loss)} lost"


def _averages(row: TradeFigures) -> str:
    win, loss = text.signed_money(row.average_win.value), text.signed_money(row.average_loss.value)
    return f"average {win} against {loss}"


def _streak(length: int) -> str:
    if length < 0:
        return _losses(-length)
    return f"{length:,} win{'' if length == 1 else 's'}"


def _losses(length: int) -> str:
    return f"{length:,} loss{'' if length == 1 else 'es'}"


PANEL = Panel(
    "trade_statistics",
    "Trade statistics",
    page="Performance",
    reads=(trade_statistics.READ, accounts.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=5,
    order=50,
    kind="flush",
    skeleton="table",
)
