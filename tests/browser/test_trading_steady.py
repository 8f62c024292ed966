"""Nothing moves and nothing is lost while a bot trades: zoom, scroll, selection and open drawer on all nine pages."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import DESKTOP
from tests.browser.walk import PAGES, PANELS, SANE_SECONDS, Address, harmless, reached, tab
from tests.running import Suite, fetch, running, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


class Held(NamedTuple):
    """What a viewer holds on a page: a chart that is zoomed, a panel in whose first row something is selected."""

    zoomed: str = ""
    selected: str = ""


HELD = {
    "Overview": Held("equity", "cumulative_pnl"),
    "Trading": Held("spread", "market_hours"),
    "Performance": Held("benchmark", "performance"),
    "Risk": Held("under_water", "leverage"),
    "Execution": Held("", "costs"),  # its charts are of one scale, which is no time: they do not zoom
    "Models": Held("model_quality", "models"),
    "Market": Held("index_history", "breadth"),
    "Trades": Held("", "trades"),
    "Alerts": Held(),
}
BUSY = ("Overview", "Trading")
VERSIONS = "(names) => names.map((name) => (window.aiTrader.panels.record(name) || {}).version || 0)"
SELECT = """(name) => {
  const body = document.getElementById(`body-${name}`), node = body.querySelector("tbody th, dt, .kpi-label, td");
  if (node) getSelection().selectAllChildren(node);
  return String(getSelection());
}"""
ROW = """() => {
  const middle = innerHeight / 2, rows = [...document.querySelectorAll("#body-trades tr[data-key]")];
  const box = (row) => row.getBoundingClientRect();
  const row = rows.find((each) => box(each).top <= middle && box(each).bottom > middle) || rows[rows.length >> 1];
  return `#body-trades tr[data-key="${CSS.escape(row.dataset.key)}"]`;
}"""
"""A row in the middle of the screen."""
PLACE = """(row) => {
  const node = row && document.querySelector(row);
  return [scrollY, row ? (node ? Math.round(node.getBoundingClientRect().top) : innerHeight) : 0];
}"""
"""How far the page is scrolled, and where that row is; one that newer rows moved to the next page is far down."""

SHIFTS = """() => {
  window.shifts = [];
  const listed = (node) => (node?.nodeType === 1 ? node : node?.parentElement)?.closest("tbody, .feed");
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => {
    const moved = entry.sources.map((each) => each.node).filter((node) => node && !listed(node));
    if (entry.value > 0.0005 && moved.length) {
      window.shifts.push([entry.value, ...moved.map((node) => (node.outerHTML || node.textContent).slice(0, 200))]);
    }
  })).observe({ type: "layout-shift" });
}"""
"""What moves by itself from now on. Older rows make room for the newest one of a list: they are meant to."""


@pytest.fixture(scope="module")
def suite(run_dir: Path) -> Iterator[Suite]:
    """A bot that trades every second on a market with ten days of history."""
    days = ("--history-days", "10")
    with running(Suite(run_dir / "steady"), "trade", "--enable-monitoring", "--interval", "1", *days) as started:
        started.wait_until_ready("trading", "bot")
        until(lambda: _traded(started), 60, "closed trades")
        yield started


def _traded(suite: Suite) -> bool:
    answer = json.loads(fetch(suite.url("trading", "/api/reads/trades?range=1M"))[1] or b"{}")
    return bool(answer.get("value") and answer["value"]["total"] > 5)


@pytest.mark.parametrize("address", PAGES, ids=[page.slug for page in PAGES])
async def test_nothing_moves_or_is_lost_while_data_come_in(browser: Browser, suite: Suite, address: Address) -> None:
    page, seen = await tab(browser, DESKTOP)
    await page.goto(suite.url("trading", address.address))
    found = await reached(page, PANELS[address.name])
    wrong = [each.wrong for each in found.values() if each.wrong]
    assert not wrong, f"{address.name}: {wrong} {seen.errors}"
    await unmoved(page, address.name, HELD[address.name])
    await harmless(page, seen)


async def unmoved(page: Page, name: str, held: Held) -> None:
    ranges = await zoomed(page, held.zoomed) if held.zoomed else None
    drawer = await opened_drawer(page) if name == "Trades" else ""
    selected = await taken(page, held.selected) if held.selected else ""
    await page.wait_for_timeout(1500)  # the last of what was asked for by scrolling
    row = await page.evaluate(ROW) if name == "Trades" else None
    at = await page.evaluate(PLACE, row)
    await page.evaluate(SHIFTS)
    changed = await updated(page, name)
    after = await page.evaluate(PLACE, row)
    # Newer rows come above: the browser may scroll along with the older ones, or let them move down, and nothing else.
    fine = after[0] >= at[0] and after[1] >= at[1] if row else after == at
    assert fine, f"{name} scrolled by itself: {at} → {after}"
    if held.zoomed:
        assert await page.evaluate(_ranges(held.zoomed)) == ranges, f"{held.zoomed} lost its zoom"
    assert await page.evaluate("String(getSelection())") == selected, f"{name} lost the selection"
    if drawer:
        await expect(page.locator("#panel-trade")).to_be_visible()
        assert page.url.endswith(f"trade.id={drawer}"), "the drawer is about another trade"
    shifts = await page.evaluate("window.shifts")
    assert not shifts, f"{name} moved: {shifts}"
    # Prices come all the time, what follows from trades only with the next one.
    assert changed or name not in BUSY, f"{name}: nothing came in, which proves nothing"


async def taken(page: Page, panel: str) -> str:
    """Select the first words of a panel; another panel's answer may just have come between."""
    async with asyncio.timeout(SANE_SECONDS):
        while not (selected := await page.evaluate(SELECT, panel)):
            await asyncio.sleep(0.2)
    return str(selected)


async def updated(page: Page, name: str) -> bool:
    """Wait a few seconds for updates of the page's panels, longer where there must be one; whether there was one."""
    names, loop = list(PANELS[name]), asyncio.get_running_loop()
    before, began = await page.evaluate(VERSIONS, names), loop.time()
    while True:
        await asyncio.sleep(0.5)
        changed = bool(await page.evaluate(VERSIONS, names) != before)
        if loop.time() - began > (3 if changed or name not in BUSY else SANE_SECONDS):
            return changed


def _ranges(panel: str) -> str:
    axes = f"document.querySelector('#graph-{panel} .js-plotly-plot')._fullLayout"
    return f"[{axes}.xaxis, {axes}.yaxis].filter((axis) => !axis.fixedrange).flatMap((axis) => axis.range.map(String))"


async def zoomed(page: Page, panel: str) -> Any:
    """Draw a frame in a chart and return the ranges that it shows then."""
    plot = page.locator(f"#graph-{panel} .nsewdrag").first
    await page.evaluate("(id) => document.getElementById(id).scrollIntoView({ block: 'center' })", f"panel-{panel}")
    await plot.wait_for(state="visible")
    box = await plot.bounding_box()
    assert box is not None
    whole = await page.evaluate(_ranges(panel))
    await page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.2)
    await page.mouse.down()
    for step in range(1, 9):  # slowly, so that answers come while it is drawn: none may end it
        await page.mouse.move(
            box["x"] + box["width"] * (0.3 + 0.05 * step), box["y"] + box["height"] * (0.2 + 0.07 * step)
        )
        await asyncio.sleep(0.1)
    await page.mouse.up()
    async with asyncio.timeout(SANE_SECONDS):
        while (ranges := await page.evaluate(_ranges(panel))) == whole:
            await asyncio.sleep(0.05)
    await page.mouse.move(5, 5)
    return ranges


async def opened_drawer(page: Page) -> str:
    row = page.locator("#body-trades tbody tr[data-key]").nth(1)
    await row.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#panel-trade")).to_be_visible()
    return page.url.partition("trade.id=")[2]  # the row itself may have moved on by now
