"""Every figure of a card or a table of the trading pages is what `show READ` says of the same moment."""

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from main import text
from main.cli.app import main
from main.database.address import Address
from main.database.pool import Database
from tests.browser.test_bare_pages import dashboards
from tests.browser.walk import PAGES, harmless, tab, visit
from tests.given import MOMENT
from tests.given_everything import given_everything

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
Row = Mapping[str, Any]
Write = Callable[[Row], str]
RANGE = "3M"
AS_OF = MOMENT.isoformat().replace("+00:00", "Z")


def of(path: str, write: Callable[[Any], str], then: str = "") -> Write:
    """Write the field at a path such as `leverage.value`, followed by `then` where it is known."""

    def written(row: Row) -> str:
        value: Any = row
        for part in path.split("."):
            value = value[part]
        return write(value) + then if value is not None else text.DASH

    return written


def signed(value: Decimal) -> str:
    return text.percent(value, signed=True)


def share(value: Decimal) -> str:
    return text.percent(value, 1)


def bare(write: Callable[[Any], str]) -> Callable[[Any], str]:
    """The unit stands in the column's head."""
    return lambda value: write(value).removesuffix("%").removesuffix(" bps")


def count(value: int) -> str:
    return f"{value:,}"


def bps(value: Decimal) -> str:
    return text.bps(value, signed=True)


def price(name: str) -> Write:
    return lambda row: text.price(row[name], row["tick"])


def quantity(name: str) -> Write:
    return lambda row: text.quantity(row[name], row["quantity_step"])


def days(value: Decimal) -> str:
    return text.duration(value * 86400)


@dataclass(frozen=True)
class Shown:
    """What a panel shows of a read: `figures` by the label of a card or fact, or by the head of a column.

    ``rows`` finds the read's rows; cards and facts show the first, a table all, or more if it is not `whole`.
    """

    page: str
    panel: str
    read: str
    figures: Mapping[str, Write]
    rows: Callable[[Any], Sequence[Row]] = list
    table: bool = True
    asked: Mapping[str, str] = field(default_factory=dict)
    whole: bool = True


def cards(page: str, panel: str, read: str, figures: Mapping[str, Write], **more: Any) -> Shown:
    return Shown(page, panel, read, figures, table=False, **more)


def step(value: Any, name: str) -> list[Row]:
    return [row for row in value if row["step"] == name]


SHOWN = (
    cards(
        "Overview",
        "account_cards",
        "account_totals",
        {
            "Equity": of("equity", text.money),
            "Today's P&L": of("today_pnl", text.signed_money),
            "Unrealised": of("unrealized_pnl", text.signed_money),
            "Realised today": of("realized_today", text.signed_money),
            "Drawdown": of("drawdown", text.percent),
            "Daily loss used": of("loss_share", share),
        },
    ),
    Shown(
        "Overview",
        "cumulative_pnl",
        "cumulative_pnl",
        {
            "Period": of("period", str.capitalize),
            "P&L, USD": of("pnl", text.signed_money),
            "Return": of("period_return", signed),
        },
    ),
    Shown(
        "Overview",
        "positions",
        "positions",
        {
            "Symbol": of("symbol", str),
            "Quantity": quantity("quantity"),
            "Entry": price("entry_price"),
            "Mark": price("current_price"),
            "P&L, USD": of("unrealized_pnl", text.signed_money),
            "P&L, %": of("pnl_share", signed),
            "Value, USD": of("value", text.money),
            "Weight": of("weight", share),
        },
    ),
    Shown(
        "Overview",
        "accounts",
        "account_summary",
        {
            "Equity, USD": of("equity", text.money),
            "Cash": of("cash", text.money),
            "Today": of("today_pnl", text.signed_money),
            "Unrealised": of("unrealized_pnl", text.signed_money),
            "Realised": of("realized_today", text.signed_money),
            "Pos.": of("positions", str),
            "Drawdown": of("drawdown", text.percent),
            "Max": of("max_drawdown", text.percent),
        },
    ),
    Shown(
        "Trading",
        "open_positions",
        "positions",
        {
            "Average": price("entry_price"),
            "Current": price("current_price"),
            "P&L, USD": of("unrealized_pnl", text.signed_money),
            "Value, USD": of("value", text.money),
            "Weight, %": of("weight", bare(share)),
            "Leverage": of("leverage", text.ratio),
        },
    ),
    Shown(
        "Trading",
        "pending_orders",
        "orders",
        {
            "Symbol": of("symbol", str),
            "Limit": price("price"),
            "Quantity": lambda row: f"{quantity('filled_quantity')(row)} of {quantity('quantity')(row)}",
        },
        rows=lambda value: value["items"],
    ),
    Shown(
        "Trading",
        "watch_list",
        "market_current",
        {
            "Symbol": of("symbol", str),
            "Mid": price("mid_price"),
            "Change, %": of("change", signed),
            "Bid": price("best_bid"),
            "Ask": price("best_ask"),
            "Spread, bps": of("spread_bps", bare(text.bps)),
            "Bid depth": quantity("bid_depth"),
            "Ask depth": quantity("ask_depth"),
        },
    ),
    cards(
        "Performance",
        "performance",
        "performance",
        {
            "Return": of("period_return.value", signed),
            "ROI": of("roi.value", signed),
            "CAGR": of("cagr.value", signed),
            "Volatility, a year": of("volatility.value", text.percent),
            "Sharpe": of("sharpe.value", text.ratio),
            "Sortino": of("sortino.value", text.ratio),
            "Calmar": of("calmar.value", text.ratio),
            "Max drawdown": of("max_drawdown.value", text.percent),
            "VaR 95, 1 day": of("value_at_risk.value", text.percent),
            "CVaR 95, 1 day": of("conditional_value_at_risk.value", text.percent),
            "Best day": of("best_day.value", signed),
            "Worst day": of("worst_day.value", signed),
            "Winning days": of("positive_days.value", share),
            "Common return": of("compared_return.value", signed),
            "Benchmark": of("benchmark_return.value", signed),
            "Excess return": of("excess_return.value", text.percentage_points),
            "Alpha, a year": of("alpha.value", signed),
            "Beta": of("beta.value", text.ratio),
            "Correlation": of("benchmark_correlation.value", text.ratio),
        },
    ),
    Shown(
        "Performance",
        "trade_statistics",
        "trade_statistics",
        {"Figure": lambda row: str(row["name"]), "Value": lambda row: str(row["written"])},
        rows=lambda value: [
            {"name": name, "written": write(value[0])}
            for name, write in {
                "Net P&L": of("net_pnl", text.signed_money),
                "Win rate": of("win_rate.value", share),
                "Profit factor": of("profit_factor.value", text.ratio),
                "Expectancy": of("expectancy.value", text.signed_money),
                "Payoff": of("payoff.value", text.ratio),
                "Average hold": of("average_hold_seconds.value", text.duration),
                "Best trade": of("best.value", text.signed_money),
                "Worst trade": of("worst.value", text.signed_money),
            }.items()
        ],
        whole=False,
    ),
    Shown(
        "Performance",
        "drawdowns",
        "drawdowns",
        {"Depth": of("depth", text.percent), "Down": of("decline_days", days), "In all": of("days", days)},
        rows=lambda value: value[0]["worst"],
    ),
    Shown(
        "Performance",
        "pnl_proof",
        "pnl_proof",
        {
            "Equity before": of("equity_before", text.money),
            "Realised": of("realized", text.signed_money),
            "Δ Unrealised": of("unrealized_change", text.signed_money),
            "Funding": of("funding", text.signed_money),
            "Residual": of("residual", text.signed_money),
            "Δ Equity": of("change", text.signed_money),
            "Equity now": of("equity_after", text.money),
        },
    ),
    cards(
        "Risk",
        "risk_cards",
        "exposure",
        {
            "Leverage": of("leverage.value", text.leverage),
            "Gross exposure": of("gross_exposure.value", text.leverage),
            "Net exposure": of("net_exposure.value", text.leverage),
            "Largest weight": of("max_weight.value", share),
        },
    ),
    cards("Risk", "risk_cards", "performance", {"VaR 95, 1 day": of("value_at_risk.value", text.percent)}),
    cards("Risk", "risk_cards", "drawdowns", {"Drawdown": of("current.value", text.percent)}),
    Shown(
        "Risk",
        "leverage",
        "exposure",
        {
            "Equity": of("equity", text.money),
            "Gross": of("gross", text.money),
            "Net": of("net", text.money),
            "Gross / equity": of("gross_exposure.value", text.ratio),
            "Net / equity": of("net_exposure.value", text.ratio),
        },
        asked={"by": "account"},
    ),
    Shown(
        "Risk",
        "trade_risk",
        "trade_risk",
        {
            "Entry": price("entry_price"),
            "Stop": price("initial_stop"),
            "At risk": lambda row: f"{text.money(row['amount'])} {row['currency']}",
            "Of equity": of("risk.value", text.percent),
        },
    ),
    cards("Execution", "execution_cards", "slippage", {"Slippage": of("bps.value", bps)}, asked={"by": "all"}),
    cards("Execution", "execution_cards", "shortfall", {"Shortfall": of("bps.value", bps)}, asked={"by": "all"}),
    cards(
        "Execution",
        "execution_cards",
        "liquidity",
        {"Maker share": of("maker_share.value", share), "Fees": of("fee_bps.value", text.bps)},
        asked={"by": "all"},
    ),
    cards("Execution", "execution_cards", "rejects", {"Rejected": of("rejected", count)}, asked={"by": "all"}),
    cards(
        "Execution",
        "execution_cards",
        "latency",
        {"Decision to acknowledgement": of("p50", text.latency)},
        rows=lambda value: step(value, "decision_to_ack"),
        asked={"by": "all"},
    ),
    Shown(
        "Execution",
        "shortfall",
        "shortfall",
        {
            "Orders": of("orders", count),
            "Delay": of("delay", text.signed_money),
            "Fees": of("fees", text.signed_money),
            "Total": of("total", text.signed_money),
            "bps": of("bps.value", bare(bps)),
        },
    ),
    Shown(
        "Execution",
        "rejects",
        "rejects",
        {"Reason": of("name", str), "Rejected": of("rejected", count), "Of all placed": of("share.value", share)},
    ),
    Shown(
        "Execution",
        "costs",
        "costs",
        {"Trades": of("trades", count), "Fees": of("fees", text.money), "A trade": of("fees_per_trade", text.money)},
    ),
    Shown(
        "Models",
        "models",
        "models",
        {
            "Budget": of("budget", lambda value: text.money(value, 0)),
            "Accuracy, %": of("accuracy", bare(share)),
            "IC": of("ic", lambda value: text.ratio(value, signed=True)),
            "Sharpe": of("sharpe", text.ratio),
            "Drift": of("drift", text.ratio),
        },
    ),
    Shown(
        "Models",
        "momentum",
        "momentum_ranking",
        {"Symbol": of("symbol", str), "Rank": of("rank", str), "Momentum, %": of("momentum.value", bare(signed))},
    ),
    cards("Market", "indices", "indices", {"INDEX": of("level", text.money)}, rows=lambda value: value["levels"]),
    cards(
        "Market",
        "breadth",
        "breadth",
        {
            "Rose": of("advancing", count),
            "Fell": of("declining", count),
            "Unchanged": of("unchanged", count),
            "Not known": of("unknown", count),
            "Median change": of("median_change", signed),
        },
    ),
    cards(
        "Trades",
        "trades",
        "trades",
        {
            "Trades": of("total_trades", count),
            "Net P&L": of("net_pnl", text.signed_money),
            "Win rate": of("win_rate.value", share),
            "Profit factor": of("profit_factor.value", text.ratio),
            "Expectancy": of("expectancy.value", text.signed_money),
            "Fees": of("fees", text.money),
        },
        rows=lambda value: value["summary"],
    ),
    Shown(
        "Trades",
        "trades",
        "trades",
        {
            "Quantity": quantity("quantity"),
            "Entry": price("entry_price"),
            "Exit": price("exit_price"),
            "P&L": of("pnl", text.signed_money),
            "Fees": of("fees", text.money),
            "Held": of("hold_seconds", text.duration),
            "Exit by": of("exit_type", str),
        },
        rows=lambda value: value["items"],
    ),
    Shown(
        "Alerts",
        "alerts",
        "alerts",
        {
            "Alert": of("title", str),
            "Severity": of("severity", str),
            "Limit": lambda row: text.money(row["threshold"]),
            "For": of("duration_seconds", text.duration),
        },
        rows=lambda value: value["items"],
    ),
)

SEEN = """(name) => {
  const body = document.getElementById(`body-${name}`), say = (node) => node.textContent.replace(/\\s+/g, " ").trim();
  const pairs = (outer, label, value) =>
    [...body.querySelectorAll(outer)].map((node) => [say(node.querySelector(label)), say(node.querySelector(value))]);
  const heads = [...body.querySelectorAll("thead th")].map(say);
  const rows = [...body.querySelectorAll("tbody tr:not(.total):not(.row-below)")];
  return {
    cards: Object.fromEntries([...pairs(".kpi", ".kpi-label", ".kpi-figure"), ...pairs(".fact", "dt", "dd")]),
    rows: rows.map((row) => [...row.querySelectorAll("th, td")].map((cell, at) => [heads[at], say(cell)]))
      .map(Object.fromEntries),
  };
}"""
"""What a panel's cards, facts and rows say, by label and head; a hidden column says it too."""


@pytest.fixture
async def site(
    service: Database, address: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[str]:
    """A trading dashboard and a command line over two accounts with something of everything."""
    await given_everything(service)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", address.dsn)
    monkeypatch.setenv("AI_TRADER_DATA_DIR", str(tmp_path))
    monkeypatch.setattr("main.telemetry.logging.configure", lambda *_, **__: None)  # the process is pytest's
    with dashboards(address, tmp_path, "trading") as urls:
        yield urls["trading"]


def show(shown: Shown) -> Any:
    """The value of the read as `ai_trader.py show` prints it."""
    own = [word for name, value in shown.asked.items() for word in (f"--{name}", value)]
    scope = ["--account", "A", "--range", RANGE, "--as-of", AS_OF]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["show", shown.read, *scope, *own, "--format", "json"])
    assert code == 0, (shown, err.getvalue())
    return json.loads(out.getvalue(), parse_float=Decimal)["value"]


async def test_every_figure_on_the_trading_pages_is_that_of_show(browser: Browser, site: str) -> None:
    page, seen = await tab(browser)
    wrong: list[str] = []
    for address in PAGES:
        await visit(page, seen, site, address, f"accounts=A&range={RANGE}&as_of={AS_OF}&zone=UTC")
        for shown in (each for each in SHOWN if each.page == address.name):
            wrong += await differences(page, shown)
    assert not wrong, "\n".join(wrong)
    await harmless(page, seen)


async def differences(page: Page, shown: Shown) -> list[str]:
    """What stands on the page and in the read differently; a comparison of nothing is one too."""
    rows = shown.rows(await asyncio.to_thread(show, shown))
    expected = [{label: write(row) for label, write in shown.figures.items()} for row in rows]
    found = await page.evaluate(SEEN, shown.panel)
    on_page = found["rows"] if shown.table else [found["cards"]]
    stands = [{label: each.get(label, "absent") for label in shown.figures} for each in on_page]
    if not shown.table:
        expected = expected[:1]
    if not shown.whole:
        stands = [each for each in stands if each in expected]
    known = {cell for row in expected for cell in row.values()} - {text.DASH}
    page_only = [each for each in stands if each not in expected]
    read_only = [each for each in expected if each not in stands]
    same = sorted(map(str, stands)) == sorted(map(str, expected))
    return [] if same and known else [f"{shown.panel} of {shown.read}: page {page_only[:3]}, read {read_only[:3]}"]
