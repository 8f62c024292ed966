"""A replay of real prices: what the pages show equals what this test computes by itself from fills and closes."""

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import pandas as pd
import pytest
from playwright.async_api import Browser, Locator, Page, expect

from main.database.embedded import EmbeddedServer
from tests.browser.conftest import DESKTOP, picture, watch
from tests.prices import SYMBOLS, write_bars
from tests.running import Suite, fetch, running, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(150)]
LAST = date(2012, 10, 31)
"""The last day replayed: the first after a hurricane had closed the exchanges for two days."""


class Match(NamedTuple):
    """What was bought and sold (or sold and bought) of one lot."""

    symbol: str
    quantity: Fraction
    gross: Fraction
    fees: Fraction
    closed: datetime


class Books(NamedTuple):
    """What follows from fills by first in, first out."""

    matches: dict[tuple[str, str], Match]
    held: dict[str, Fraction]
    costs: dict[str, Fraction]
    paid: Fraction
    fees: Fraction

    def unrealised(self, closes: dict[str, Fraction]) -> dict[str, Fraction]:
        return {symbol: quantity * closes[symbol] - self.costs[symbol] for symbol, quantity in self.held.items()}


def booked(fills: list[asyncpg.Record]) -> Books:
    """Match fills, oldest first, in exact fractions; a lot is (fill, signed quantity, price, fee of one unit)."""
    lots: dict[str, deque[tuple[str, Fraction, Fraction, Fraction]]] = defaultdict(deque)
    matches, paid, fees = {}, Fraction(0), Fraction(0)
    for fill in fills:
        size, price, fee = (Fraction(fill[name]) for name in ("quantity", "price", "fee"))
        left = size if fill["side"] == "buy" else -size
        paid, fees = paid + left * price, fees + fee
        own = lots[fill["symbol"]]
        while left and own and own[0][1] * left < 0:
            opened, held, entry, entry_fee = own.popleft()
            part = min(abs(held), abs(left))
            sign = 1 if held > 0 else -1
            key = (opened, fill["source_id"])
            matches[key] = Match(
                fill["symbol"], part, sign * part * (price - entry), part * (entry_fee + fee / size), fill["at"]
            )
            left += sign * part
            if abs(held) > part:
                own.appendleft((opened, held - sign * part, entry, entry_fee))
        if left:
            own.append((fill["source_id"], left, price, fee / size))
    held = {symbol: sum(lot[1] for lot in own) for symbol, own in lots.items() if own}
    costs = {symbol: sum(lot[1] * lot[2] for lot in lots[symbol]) for symbol in held}
    return Books(matches, held, costs, paid, fees)


def cents(amount: Fraction, *, signed: bool = False) -> str:
    """Write an amount as the pages do: halves away from zero, a real minus."""
    whole = int(abs(amount) * 100 + Fraction(1, 2))
    sign = "\u2212" if amount < 0 and whole else "+" if signed and whole else ""
    return f"{sign}{whole // 100:,}.{whole % 100:02d}"


def percent(share: Fraction) -> str:
    return f"{cents(share * 100)}%"


@pytest.fixture(scope="module")
def prices(run_dir: Path) -> Path:
    return write_bars(run_dir / "replayed" / "prices", "2012-06-01", LAST.isoformat())


@pytest.fixture(scope="module")
def suite(run_dir: Path, prices: Path) -> Iterator[Suite]:
    """A bot that trades five months of real prices, about five days a second: long enough to open pages meanwhile."""
    started = Suite(run_dir / "replayed" / "suite")
    with running(started, "trade", "--enable-monitoring", "--feed", f"replay:{prices}", "--speed", "5"):
        started.wait_until_ready("trading", "system", "bot")
        yield started


@pytest.fixture(scope="module")
def closes(prices: Path) -> dict[str, Fraction]:
    """The last adjusted close of each file, as the market of whole cents has it."""
    found = {}
    for symbol in SYMBOLS:
        table = pd.read_parquet(prices / f"{symbol}.parquet").rename(columns=str.lower)
        last = table.sort_values("date").iloc[-1]
        assert last["date"].date() == LAST
        found[symbol] = Fraction(round(Decimal(str(last["adj_close"])), 2))
    return found


def finished(suite: Suite) -> bool:
    status = json.loads(fetch(suite.url("bot", "/status"))[1] or b"{}")
    return status.get("status") == "finished" and status["recorder"]["queued"] == 0


async def asked(suite: Suite, sql: str, *values: Any) -> list[asyncpg.Record]:
    address = EmbeddedServer(suite.folder / "data").running()
    assert address is not None
    connection = await asyncpg.connect(**address.connect_arguments())
    try:
        return await connection.fetch(sql, *values)
    finally:
        await connection.close()


async def books(suite: Suite) -> Books:
    return booked(await asked(suite, "SELECT * FROM fills ORDER BY at, source_id"))


async def cards(page: Page) -> dict[str, list[str]]:
    """Return the lines under the name of each card."""
    lines = [line for line in (await page.locator("#body-account_cards").inner_text()).splitlines() if line.strip()]
    names = ("Equity", "Today's P&L", "Unrealised", "Realised today", "Drawdown", "Daily loss used")
    starts = [lines.index(name) for name in names] + [len(lines)]
    return {name: lines[starts[at] + 1 : starts[at + 1]] for at, name in enumerate(names)}


async def rows(body: Locator) -> dict[str, dict[str, str]]:
    """Return a table's cells by the text of the row's first cell and the column's name."""
    names = [name.strip() for name in await body.locator("thead th").all_inner_texts()]
    found = {}
    for row in await body.locator("tbody tr").all():
        cells = [" ".join(cell.split()) for cell in await row.locator("th, td").all_inner_texts()]
        found[cells[0]] = dict(zip(names, cells, strict=True))
    return found


async def test_both_dashboards_follow_a_replay_in_its_own_time(browser: Browser, suite: Suite) -> None:
    page = await browser.new_page(viewport=DESKTOP)
    seen = watch(page)
    await page.goto(suite.url("trading"))
    await expect(page.locator("#badge-equity")).to_contain_text("Replay", timeout=20_000)
    await expect(page.locator("#title-modes")).to_contain_text("REPLAY")
    day = await page.locator("#title-scope").inner_text()
    shown = await page.locator("#body-activity").inner_text()
    await expect(page.locator("#body-activity")).not_to_have_text(shown, timeout=20_000)
    await expect(page.locator("#title-scope")).not_to_have_text(day, timeout=20_000)
    assert str(datetime.now(UTC).year) not in await page.locator("body").inner_text()

    system = await browser.new_page(viewport=DESKTOP)
    system_seen = watch(system)
    await system.goto(suite.url("system"))
    await expect(system.locator("#title-modes")).to_contain_text("REPLAY")
    await expect(system.locator("#badge-cpu")).to_contain_text("Live", timeout=20_000)
    await expect(system.locator("#body-cpu .js-plotly-plot")).to_have_count(1, timeout=20_000)
    await expect(system.locator("#badge-cpu")).not_to_contain_text("2012")
    await asyncio.to_thread(until, lambda: finished(suite), 60, "the replay's end")
    await expect(system.locator("#body-status")).to_contain_text("Finished", timeout=20_000)
    await expect(page.locator("#body-accounts")).to_contain_text("Finished", timeout=20_000)
    await expect(page.locator("#badge-equity")).to_contain_text("Replay")
    await expect(page.locator("#title-scope")).to_contain_text(f"{LAST:%a %d %b %Y}")
    await picture(page, "trading-replay")
    await picture(system, "system-replay")
    seen.clean()
    system_seen.clean()


async def test_profit_equity_and_positions_are_those_of_the_fills_to_the_cent(
    browser: Browser, suite: Suite, closes: dict[str, Fraction]
) -> None:
    await asyncio.to_thread(until, lambda: finished(suite), 60, "the replay's end")
    found = await books(suite)
    assert len(found.matches) > 50, "hardly traded"
    unrealised = found.unrealised(closes)
    value = sum(quantity * closes[symbol] for symbol, quantity in found.held.items())
    cash = 100_000 - found.paid - found.fees
    closed = [match for match in found.matches.values() if match.closed.date() == LAST]
    net_today = sum(match.gross - match.fees for match in closed)
    gross = sum(match.gross for match in found.matches.values())
    assert cash + value == 100_000 + gross + sum(unrealised.values()) - found.fees

    page = await browser.new_page(viewport=DESKTOP)
    seen = watch(page)
    await page.goto(suite.url("trading", "/?range=All"))
    await page.locator("#panel-accounts").scroll_into_view_if_needed()
    await expect(page.locator("#body-account_cards")).to_contain_text(cents(cash + value), timeout=20_000)
    await expect(page.locator("#body-accounts")).to_contain_text(cents(cash), timeout=20_000)
    shown = await cards(page)
    assert shown["Equity"][0] == cents(cash + value)
    assert shown["Unrealised"][0] == cents(sum(unrealised.values()), signed=True)
    assert shown["Unrealised"][1].endswith(f"on {len(found.held)} positions")
    assert shown["Realised today"][0] == cents(net_today, signed=True)
    won = sum(match.gross > match.fees for match in closed)
    assert shown["Realised today"][1] == f"{len(closed)} closed trades · {won} won"

    positions = await rows(page.locator("#body-positions"))
    assert set(positions) == set(found.held)
    for symbol, quantity in found.held.items():
        row = positions[symbol]
        assert (row["Side"], row["Quantity"]) == ("Long" if quantity > 0 else "Short", f"{int(abs(quantity)):,}")
        assert quantity.denominator == 1
        assert row["Mark"] == cents(closes[symbol])
        assert row["P&L, USD"] == cents(unrealised[symbol], signed=True)
        assert row["Value, USD"] == cents(quantity * closes[symbol])

    (account,) = (await rows(page.locator("#body-accounts"))).values()
    assert account["Cash"] == cents(cash)
    assert account["Realised"] == cents(net_today, signed=True)
    assert account["Unrealised"] == cents(sum(unrealised.values()), signed=True)
    assert account["Pos."] == str(len(found.held))
    seen.clean()


async def test_the_other_figures_are_those_of_plain_sql(browser: Browser, suite: Suite) -> None:
    await asyncio.to_thread(until, lambda: finished(suite), 60, "the replay's end")
    series = await asked(suite, "SELECT at, equity FROM trading_pnl ORDER BY at")
    equity = [Fraction(row["equity"]) for row in series]
    peaks = [max(equity[: at + 1]) for at in range(len(equity))]
    falls = [value / peak - 1 for value, peak in zip(equity, peaks, strict=True)]

    def since(start: date) -> Fraction:
        before = [value for row, value in zip(series, equity, strict=True) if row["at"].date() < start]
        return equity[-1] - (before[-1] if before else equity[0])

    page = await browser.new_page(viewport=DESKTOP)
    seen = watch(page)
    await page.goto(suite.url("trading", "/?range=All"))
    await page.locator("#panel-cumulative_pnl").scroll_into_view_if_needed()
    await expect(page.locator("#body-cumulative_pnl tbody tr")).to_have_count(5, timeout=20_000)
    await expect(page.locator("#body-account_cards")).to_contain_text(cents(equity[-1]), timeout=20_000)
    shown = await cards(page)
    assert shown["Today's P&L"][0] == cents(since(LAST), signed=True)
    assert shown["Drawdown"] == [percent(falls[-1]), "daily closes", f"Max {percent(min(falls))} in All"]
    (stats,) = await asked(suite, "SELECT * FROM daily_stats WHERE day = $1", LAST)
    assert Fraction(stats["loss_used"]) == max(Fraction(0), -since(LAST) - await _open_fees_today(suite))
    periods = {
        "Today": LAST,
        "Week": LAST - timedelta(days=LAST.weekday()),
        "Month": LAST.replace(day=1),
        "Year": LAST.replace(month=1, day=1),
        "All": date(1970, 1, 1),
    }
    pnl = {name: row["P&L, USD"] for name, row in (await rows(page.locator("#body-cumulative_pnl"))).items()}
    assert pnl == {name: cents(since(start), signed=True) for name, start in periods.items()}
    seen.clean()


async def _open_fees_today(suite: Suite) -> Fraction:
    """Fees paid today for lots still open, less fees paid earlier for lots closed today: equity knows them at once."""
    (paid,) = await asked(suite, "SELECT sum(fee) AS fees FROM fills WHERE at::date = $1", LAST)
    found = await books(suite)
    booked_today = sum(match.fees for match in found.matches.values() if match.closed.date() == LAST)
    return Fraction(paid["fees"] or 0) - booked_today


async def test_the_recorded_trades_are_the_lot_matches_of_the_fills(suite: Suite) -> None:
    await asyncio.to_thread(until, lambda: finished(suite), 60, "the replay's end")
    found = (await books(suite)).matches
    trades = await asked(suite, "SELECT * FROM trades")
    recorded = {(trade["entry_fill"], trade["exit_fill"]): trade for trade in trades}
    assert len(trades) == len(recorded)
    assert recorded.keys() == found.keys()
    for key, match in found.items():
        trade = recorded[key]
        assert (trade["symbol"], trade["exit_time"]) == (match.symbol, match.closed)
        assert Fraction(trade["quantity"]) == match.quantity
        assert Fraction(trade["gross_pnl"]) == match.gross
        assert abs(Fraction(trade["realized_pnl"]) - (match.gross - match.fees)) < Fraction(1, 10**9)
    (last,) = await asked(suite, "SELECT * FROM trading_pnl ORDER BY at DESC LIMIT 1")
    assert Fraction(last["realized_pnl"]) == sum(match.gross for match in found.values())
