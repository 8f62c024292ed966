"""An account with a history, for tests of the pages Performance and Risk: closes, trades, positions, rules; one name is
markup."""

import asyncio
import json
import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from playwright.async_api import Browser, Page, expect

from main.database.pool import Database
from tests.browser.conftest import DESKTOP, Watch, watch
from tests.given import given_account, given_daily, given_equity, given_heartbeat, given_instrument, given_trade, insert
from tests.given_performance import given_bars
from tests.running import fetch

HOSTILE = '<img src=x onerror="window.harmed=1">'
DAYS = 60
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


async def given_earnings(service: Database) -> datetime:
    """Sixty days of equity beside a benchmark, a trade a day, three positions, two of them with a stop."""
    now = datetime.now(UTC).replace(microsecond=0)
    settings = {"label": f"Maker {HOSTILE}", "benchmark": "SPX", "periods_per_year": 365, "position_limit": 2000}
    await given_account(service, at=now - 400 * DAY, daily_loss_limit=500, **settings)
    levels = [100_000 * (1 + 0.03 * math.sin(place / 5) + 0.001 * place) for place in range(DAYS)]
    await given_equity(service, *(f"{level:.2f}" for level in levels), ending=now, every=DAY, unrealized_pnl=0)
    days = [(now - (DAYS - place) * DAY).date() for place in range(DAYS)]
    await given_bars(service, days, [4000 * (1 + 0.02 * math.cos(place / 7)) for place in range(DAYS)], "SPX")
    for place in range(DAYS):
        symbol = ("AAA", "BBB", HOSTILE)[place % 3]
        more = {"symbol": symbol, "strategy": ("maker", "trend")[place % 2], "exit_type": ("signal", "stop")[place % 2]}
        await given_trade(service, Decimal(place * 37 % 101 - 40), now - place * DAY, **more)
    await _given_risk(service, now)
    return now


async def _given_risk(service: Database, now: datetime) -> None:
    await given_heartbeat(service, now, interval_seconds=3600, regime="choppy", risk_factor="0.65", risk_reason=HOSTILE)
    for symbol, sector in (("AAA", "Tech"), ("BBB", "Oil"), (HOSTILE, HOSTILE)):
        await given_instrument(service, symbol, sector=sector)
    held = (("AAA", "long", 10, "90"), ("BBB", "short", 5, None), (HOSTILE, "long", 19, "95"))
    rows = [
        {
            "account_id": "A",
            "position_id": f"p{number}",
            "source": "bot",
            "symbol": symbol,
            "side": side,
            "quantity": quantity,
            "entry_time": now - HOUR,
            "entry_price": 100,
            "current_price": 101,
            "initial_stop": stop,
            "at": now,
        }
        for number, (symbol, side, quantity, stop) in enumerate(held)
    ]
    await insert(service, "positions", rows)
    await given_daily(service, now.date(), loss_used="312.60", loss_limit=500, at=now)


def answered(url: str, read: str, query: str = "") -> Any:
    """The value of a read over three months, as the REST interface gives it."""
    status, body = fetch(f"{url}/api/reads/{read}?accounts=A&range=3M{query}")
    assert status == 200, body
    return json.loads(body)["value"]


async def opened(browser: Browser, url: str, panels: tuple[str, ...], viewport: Any = DESKTOP) -> tuple[Page, Watch]:
    """Open a page and wait until every panel has an answer."""
    page = await browser.new_page(viewport=viewport)
    seen = watch(page)
    page.on("dialog", lambda dialog: seen.errors.append(f"dialog: {dialog.message}"))
    await page.goto(url)
    for panel in panels:
        await page.locator(f"#panel-{panel}").scroll_into_view_if_needed()
        await expect(page.locator(f"#panel-{panel}")).not_to_have_attribute("data-state", "loading", timeout=30_000)
    return page, seen


async def plotted(page: Page, panel: str) -> Any:
    """The traces of a panel's chart, as Plotly has them."""
    await page.locator(f"#panel-{panel}").scroll_into_view_if_needed()
    await page.locator(f"#graph-{panel} .js-plotly-plot .main-svg").first.wait_for()
    traces = f"document.querySelector('#graph-{panel} .js-plotly-plot').data"
    return await page.evaluate(
        f"{traces}.map(t => ({{name: t.name, type: t.type, x: [...t.x], y: [...t.y], z: t.z, text: t.text}}))"
    )


async def becomes(page: Page, expression: str, wanted: object) -> None:
    """Wait until the page's expression has this value. (Playwright's own way needs `eval`, which the page denies.)"""
    async with asyncio.timeout(20):
        while await page.evaluate(expression) != wanted:
            await asyncio.sleep(0.1)


async def said(page: Page, panel: str) -> str:
    """What stands in a panel's body, in one line."""
    return " ".join((await page.locator(f"#body-{panel}").inner_text()).split())


async def harmless(page: Page, seen: Watch) -> None:
    """Nothing that a name contains became an element or ran, and no panel failed."""
    assert await page.evaluate("window.harmed") is None
    assert await page.locator("img").count() == 0
    assert await page.locator(".notice-failed").count() == 0
    seen.clean()
