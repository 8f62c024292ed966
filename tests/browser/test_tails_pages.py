"""A chart that goes on gets its last points only, and is on the page what a page that was opened anew has."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, WebSocket, expect

from main.clock import now
from main.database.address import Address
from main.database.pool import Database
from tests.browser.conftest import DESKTOP, Watch, watch
from tests.browser.given_market_page import given_busy_market
from tests.browser.test_bare_pages import dashboards
from tests.given import given_account, given_equity, given_heartbeat

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]
POINTS = 200
FIVE_MINUTES = timedelta(minutes=5)
CHART = "document.querySelector('#graph-equity .js-plotly-plot')"
LAST = f"{CHART}.data.find(trace => trace.name === 'Equity').y.at(-1)"
SERIES = f"{CHART}.data.map(trace => [trace.x, trace.y, trace.text, trace.name])"
RANGE = f"{CHART}._fullLayout.xaxis.range.map(String)"
CONTENT = "window.aiTrader.panels.record('equity').figure"
GRID = "dash_ag_grid.getApi('grid-open_positions')"
DRAWN = f"""() => [...{CHART}.querySelectorAll(
  ".scatterlayer .js-line, .scatterlayer .js-fill, .annotation .cursor-pointer, .annotation rect, .annotation text"
)].map(node => [(node.getAttribute("d") || "").match(/[-.\\d]+/g)?.slice(-2).map(Number),
                node.getAttribute("transform"), node.getAttribute("width"), node.textContent])"""
"""Where each line and area ends, and the tags: where, how wide, and what they say."""
OF_PLOTLY = f"{CHART}.calcdata.find(points => points[0].trace.name === 'Equity').at(-1).y"
"""The last value that Plotly itself has drawn, and tells who points at it."""
TURNS = """() => new Promise(resolve => {
  const turns = window.aiTrader.turns, drawn = [];
  let frame = 0;
  const count = () => { frame += 1; if (drawn.length < 3) requestAnimationFrame(count); };
  requestAnimationFrame(count);
  const draw = (name) => () => { drawn.push([name, frame]); if (drawn.length === 3) resolve(drawn); };
  turns.take("one", () => drawn.push("what is old")); turns.take("one", draw("one"));
  turns.take("two", draw("two"));
  turns.take("waited for", draw("waited for"), true);
})"""
BY_HAND = """async () => {
  const line = { type: "scatter", mode: "lines", x: [0, 1, 2], y: [1, 2, 3] }, up = { range: [0, 5] };
  const across = { type: "linear", range: [0, 3] };
  const figure = (trace, x, y) => ({ data: [trace], layout: { xaxis: x, yaxis: y } });
  const plotted = async (trace, x, y) => {
    const node = document.body.appendChild(document.createElement("div"));
    const { data, layout } = figure({ ...trace }, { ...x }, { ...y }); // Plotly writes into what it is given
    return window.Plotly.newPlot(node, data, { ...layout, width: 300, height: 200 });
  };
  const stroke = (plot, trace, change, x, y) => window.aiTrader.strokes.drawn(
    plot, figure(trace, x, y), figure({ ...trace, ...change }, x, y), { xaxis: x, yaxis: y }, () => {});
  const tried = async (trace, change, x, y, zoom) => {
    const plot = await plotted(trace, x, y);
    if (zoom) await window.Plotly.relayout(plot, { "xaxis.range": zoom });
    return stroke(plot, trace, change, x, y);
  };
  const last = { y: [1, 2, 4] }, free = { type: "linear" };
  const heard = (plot) => plot._ev.listeners("plotly_afterplot").length;
  const plot = await plotted(line, across, up), other = await plotted(line, across, up), before = heard(other);
  stroke(plot, line, last, across, up);
  Object.assign(plot, { _ev: other._ev, on: other.on });
  stroke(plot, line, last, across, up);
  stroke(plot, line, last, across, up);
  return [{
    "a line": await tried(line, last, across, up),
    "a line with a gap": await tried({ ...line, y: [1, 2, null] }, { y: [1, 3, null] }, across, up),
    "an axis that Plotly chose": await tried(line, last, free, up),
    "an axis that was stretched": await tried(line, last, free, up, [0, 9]),
    "gaps that are bridged": await tried({ ...line, connectgaps: true }, last, across, up),
    "logarithms": await tried(line, last, across, { type: "log", range: [0, 1] }),
    "categories": await tried({ ...line, x: ["a", "b", "c"] }, last, { type: "category", range: [0, 2] }, up),
    "texts": await tried(line, { y: [1, 2, "4"] }, across, up),
    "a value nowhere": await tried(line, { x: [0, 1, null], y: [1, 2, 4] }, across, up),
    "marks on categories": await tried(
      { ...line, x: ["a", "b", "c"], mode: "markers" }, last, { type: "category", range: [-1, 3] }, up),
  }, heard(plot) - before];
}"""
"""Which charts are drawn by hand, and how often what Plotly does is listened to when another takes over."""
OF_DASH = "window.dash_component_api.getLayout('graph-equity').props.figure"


@pytest.fixture
async def url(service: Database, address: Address, tmp_path: Path) -> AsyncIterator[str]:
    """The trading dashboard over an account whose equity was seen every five minutes."""
    await given_account(service)
    await given_heartbeat(service, now(), status="stopped")
    values = [100_000 + number * 7 % 90 for number in range(POINTS)]
    await given_equity(service, *values, ending=now() - FIVE_MINUTES, every=FIVE_MINUTES)
    with dashboards(address, tmp_path, "trading") as started:
        yield started["trading"]


class Frames:
    """What the socket of a page brought of the chart: "whole" or "tail"; and how many messages in all."""

    def __init__(self, page: Page) -> None:
        self.charts: list[str] = []
        self.updates = 0
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._heard)

    def _heard(self, text: str | bytes) -> None:
        message = json.loads(text)
        self.updates += message["type"] == "update"
        chart = message.get("panels", {}).get("equity", {}) if message["type"] == "update" else {}
        self.charts += ["whole"] if "figure" in chart else ["tail"] if "tail" in chart else []


async def opened(browser: Browser, url: str) -> tuple[Page, Watch, Frames]:
    page = await browser.new_page(viewport=DESKTOP)
    clean, frames = watch(page), Frames(page)
    await page.goto(f"{url}/?range=1D")
    await page.locator("#graph-equity .js-plotly-plot .main-svg").first.wait_for()
    return page, clean, frames


async def seen(service: Database, equity: int) -> None:
    """Observe an equity now, and say so as the recorder does."""
    await given_equity(service, equity, ending=now())
    async with service.scoped() as connection:
        await connection.execute("SELECT pg_notify('ai_trader', 'equity:A')")


async def becomes(page: Page, expression: str, wanted: Any) -> None:
    async with asyncio.timeout(20):
        while await page.evaluate(expression) != wanted:
            await asyncio.sleep(0.05)


async def test_a_chart_that_goes_on_gets_its_tail_and_holds_what_a_new_page_holds(
    browser: Browser, url: str, service: Database
) -> None:
    page, errors, frames = await opened(browser, url)
    for amount in (100_500, 100_499):  # from the second on there is a band around the last point: another trace
        await seen(service, amount)
        await becomes(page, LAST, amount)
    for amount in (100_501, 100_500, 100_502):
        count = len(frames.charts)
        await seen(service, amount)
        await becomes(page, LAST, amount)
        assert set(frames.charts[count:]) == {"tail"}
    fresh, _, _ = await opened(browser, url)
    assert await page.evaluate(SERIES) == await fresh.evaluate(SERIES)
    assert await page.evaluate(CONTENT) == await fresh.evaluate(CONTENT)
    assert await page.evaluate(f"{OF_DASH}.data === {CHART}.data"), "Dash holds another figure than is drawn"
    await page.keyboard.press("t")  # drawn again from what was merged
    await expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "light")
    await becomes(page, LAST, 100_502)
    errors.clean()


async def test_a_zoom_survives_a_tail_and_a_gap_in_the_versions_is_filled_by_the_whole(
    browser: Browser, url: str, service: Database
) -> None:
    page, errors, frames = await opened(browser, url)
    box = await page.locator("#graph-equity .nsewdrag").first.bounding_box()
    assert box is not None
    whole = await page.evaluate(RANGE)
    await page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 20)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 60, steps=8)
    await page.mouse.up()
    async with asyncio.timeout(10):
        while (zoomed := await page.evaluate(RANGE)) == whole:
            await asyncio.sleep(0.05)
    await seen(service, 100_600)
    await becomes(page, LAST, 100_600)
    assert frames.charts[-1] == "tail"
    assert await page.evaluate(RANGE) == zoomed
    count = len(frames.charts)
    await page.evaluate("window.aiTrader.panels.record('equity').version = 1e6")
    await seen(service, 100_700)
    await becomes(page, LAST, 100_700)
    assert "whole" in frames.charts[count:]
    errors.clean()


async def test_a_page_that_nobody_looks_at_is_told_nothing_and_is_right_at_once_when_it_is_looked_at(
    browser: Browser, url: str, service: Database
) -> None:
    page, errors, frames = await opened(browser, url)
    watching, errors_too, told = await opened(browser, url)
    await page.evaluate(
        "Object.defineProperty(document, 'hidden', { value: true, configurable: true });"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    await seen(service, 100_800)
    await becomes(watching, LAST, 100_800)  # the subscription was read long before
    hidden = frames.updates
    for amount in (100_801, 100_802):
        await seen(service, amount)
        await becomes(watching, LAST, amount)
    assert frames.updates == hidden
    assert await page.evaluate(LAST) < 100_801
    charts = len(frames.charts)
    await page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    await becomes(page, LAST, 100_802)
    assert frames.charts[charts] == "whole"
    assert told.updates > hidden
    errors.clean()
    errors_too.clean()


async def test_a_line_that_goes_on_is_drawn_by_hand_as_plotly_draws_it_which_catches_up_for_who_points_at_it(
    browser: Browser, url: str, service: Database
) -> None:
    page, errors, _ = await opened(browser, url)
    for amount in (100_040, 100_042, 100_041, 100_044):  # Plotly draws the new point, and the first of a band around it
        await seen(service, amount)
        await becomes(page, LAST, amount)
    assert await page.evaluate(f"{CHART}.behind"), "Plotly drew it"
    assert await page.evaluate(OF_PLOTLY) < 100_044
    by_hand = await page.evaluate(DRAWN)
    await page.locator("#graph-equity .nsewdrag").first.hover()
    await becomes(page, OF_PLOTLY, 100_044)
    for hand, plotly in zip(by_hand, await page.evaluate(DRAWN), strict=True):
        assert (hand[0] or []) == pytest.approx(plotly[0] or [], abs=0.5)  # of a pixel
        assert hand[1:] == plotly[1:]
    assert any("100,044" in words for *_, words in by_hand)
    await seen(service, 100_045)
    await becomes(page, OF_PLOTLY, 100_045)  # who points at it has Plotly's own at once
    errors.clean()


async def test_by_hand_is_drawn_only_what_has_known_places_and_another_plotly_is_listened_to_once(
    browser: Browser, url: str
) -> None:
    page, errors, _ = await opened(browser, url)
    drawn, listening = await page.evaluate(BY_HAND)
    assert [name for name, by_hand in drawn.items() if by_hand] == [
        "a line",
        "a line with a gap",
        "an axis that Plotly chose",
    ]
    assert listening == 1
    errors.clean()


async def test_charts_are_drawn_in_turns_one_a_frame_and_at_once_what_is_waited_for(browser: Browser, url: str) -> None:
    page, errors, _ = await opened(browser, url)
    drawn = await page.evaluate(TURNS)
    assert [name for name, _ in drawn] == ["waited for", "one", "two"]
    assert drawn[0][1] == 0
    assert drawn[1][1] < drawn[2][1], "two charts were drawn in one frame"
    errors.clean()


@pytest.fixture
async def crowded(service: Database, address: Address, tmp_path: Path) -> AsyncIterator[str]:
    """The trading dashboard over 500 positions."""
    await given_busy_market(service, positions=500)
    with dashboards(address, tmp_path, "trading") as started:
        yield started["trading"]


async def test_a_price_that_changes_is_a_transaction_of_the_grid_and_not_all_its_rows(
    browser: Browser, crowded: str, service: Database
) -> None:
    page = await browser.new_page(viewport=DESKTOP)
    errors = watch(page)
    await page.goto(f"{crowded}/trading?range=1D")
    await page.locator("#grid-open_positions .ag-center-cols-container .ag-row").first.wait_for()
    await page.evaluate(
        f"() => {{ const api = {GRID}; window.changes = []; const apply = api.applyTransaction.bind(api);"
        "api.applyTransaction = change => { window.changes.push(change.update.length); return apply(change); } }"
    )
    key = await page.evaluate(f"{GRID}.getDisplayedRowAtIndex(100).data.key")
    await page.evaluate(f"() => {{ {GRID}.getRowNode('{key}').marked = true; }}")
    async with service.scoped() as connection:
        await connection.execute("UPDATE positions SET current_price = current_price * 1.00001, at = clock_timestamp()")
    async with asyncio.timeout(30):
        while not await page.evaluate("window.changes.length"):
            await asyncio.sleep(0.05)
    assert await page.evaluate(f"{GRID}.getRowNode('{key}').marked"), "the row was made anew"
    shown = await page.evaluate("window.aiTrader.panels.record('open_positions').gridRows")
    assert await page.evaluate(f"{GRID}.getDisplayedRowCount()") == len(shown) == 500
    of_grid = await page.evaluate(f"[...Array(500).keys()].map(at => {GRID}.getDisplayedRowAtIndex(at).data)")
    assert of_grid == shown
    errors.clean()


async def test_a_chart_behind_that_dash_is_drawing_meanwhile_is_drawn_once_and_not_for_ever(
    browser: Browser, url: str, service: Database
) -> None:
    page, errors, _ = await opened(browser, url)
    for amount in (100_040, 100_042, 100_041, 100_044):
        await seen(service, amount)
        await becomes(page, LAST, amount)
    assert await page.evaluate(f"{CHART}.behind"), "Plotly drew it"
    await page.evaluate(f"""() => {{
        window.drawings = 0;
        {CHART}.on('plotly_afterplot', () => {{ window.drawings++; }});
        {CHART}.classList.add('dash-graph--pending'); // as Dash marks it while it draws
        window.Plotly.redraw({CHART});
    }}""")
    await becomes(page, OF_PLOTLY, 100_044)
    await asyncio.sleep(1.0)  # in a circle it was drawn forty times in it, and nothing else came to its turn
    assert 2 <= await page.evaluate("drawings") <= 5
    errors.clean()
