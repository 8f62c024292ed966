"""A chart that is zoomed shows every observation of what it shows, and what lies outside stays as it was."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from main.clock import now
from main.database.address import Address
from main.database.pool import Database
from tests.browser.conftest import DESKTOP, Watch, watch
from tests.browser.test_bare_pages import dashboards
from tests.given import given_account, given_equity, given_heartbeat

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]
EVERY = timedelta(minutes=5)
COUNT = 4 * 24 * 12  # four days of them
CHART = "document.querySelector('#graph-equity .js-plotly-plot')"
LINE = f"(({CHART}) || {{data: []}}).data.find(trace => trace.name === 'Equity')"
DEPTH = f"{CHART}._fullLayout.yaxis2.range.map(Number)"
SHOWN = f"{CHART}._fullLayout.xaxis.range.map(String)"
BAND = (
    f"(() => {{ const [from, to] = {SHOWN}, band = {CHART}.data.find(trace => trace.meta === 'reach');"
    " return band ? band.x.filter(at => at >= from && at <= to) : []; })()"
)
"""Times at which equity went further than its point, of those that are shown."""
LIVE = (
    f"(() => {{ const end = Date.parse({SHOWN}[1]), [first, last] = [0, -1].map(at => Date.parse({LINE}.x.at(at)));"
    " const room = (end - last) / (last - first);"
    " return Math.min(Math.abs(room), Math.abs(room - 0.08)) < 1e-7; })()"
)
"""Whether the axis ends with the last value, or, of values that became old, with the room for what is missing."""
SERIES = f"[{LINE}.x, {LINE}.y, {LINE}.text]"


def value(number: int) -> int:
    """Return an equity that no mean or last value of a bucket would tell."""
    return 100_000 + number * 7 % 90 + (500 if number % 11 == 0 else 0)


@pytest.fixture
async def observed(service: Database) -> list[datetime]:
    await given_account(service)
    await given_heartbeat(service, now(), status="stopped")
    values = [value(number) for number in range(COUNT)]
    ending = now().replace(microsecond=0) - EVERY
    return await given_equity(service, *values, ending=ending, every=EVERY)


@pytest.fixture
async def url(address: Address, observed: list[datetime], tmp_path: Path) -> AsyncIterator[str]:
    with dashboards(address, tmp_path, "trading") as started:
        yield started["trading"]


async def opened(browser: Browser, url: str, query: str = "?range=1W&zone=UTC") -> tuple[Page, Watch]:
    page = await browser.new_page(viewport=DESKTOP)
    clean = watch(page)
    await page.goto(f"{url}/{query}")
    await page.locator("#graph-equity .js-plotly-plot .main-svg").first.wait_for()
    return page, clean


async def becomes(page: Page, expression: str, wanted: Any) -> None:
    found = None
    try:
        async with asyncio.timeout(20):
            while (found := await page.evaluate(expression)) != wanted:
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"{expression}: {found!r}, not {wanted!r}") from None


async def drag(page: Page, start: float, end: float) -> None:
    """Draw over a part of the chart, by fractions of its width."""
    box = await page.locator("#graph-equity .nsewdrag").first.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] * start, box["y"] + 40)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * end, box["y"] + 42, steps=8)
    await page.mouse.up()


async def part(page: Page) -> list[list[Any]]:
    """Return the times and values of the line that lie in what the chart shows."""
    return await page.evaluate(
        f"(() => {{ const [from, to] = {SHOWN}, line = {LINE}, kept = [[], []];"
        " line.x.forEach((at, i) => { if (at >= from && at <= to) { kept[0].push(at); kept[1].push(line.y[i]); } });"
        " return kept; })()"
    )


def facts(observed: list[datetime], shown: list[str]) -> list[list[Any]]:
    times = [at.strftime("%Y-%m-%d %H:%M:%S.000") for at in observed]
    kept = [(at, value(number)) for number, at in enumerate(times) if shown[0] <= at <= shown[1]]
    return [[at for at, _ in kept], [each for _, each in kept]]


async def all_facts_are_shown(page: Page, observed: list[datetime]) -> list[str]:
    shown: list[str] = await page.evaluate(SHOWN)
    wanted = facts(observed, shown)
    async with asyncio.timeout(20):
        while await part(page) != wanted:
            await asyncio.sleep(0.05)
    return shown


async def test_a_zoomed_chart_shows_every_observation_and_the_whole_again_at_a_double_click(
    browser: Browser, url: str, observed: list[datetime]
) -> None:
    page, errors = await opened(browser, url)
    whole = await page.evaluate(SERIES)
    assert len(whole[0]) < COUNT / 2, "a week in points of this size tells every observation: nothing to refine"
    assert len(await page.evaluate(BAND)) > len(whole[0]) / 2
    depth = await page.evaluate(DEPTH)
    await drag(page, 0.40, 0.52)
    shown = await all_facts_are_shown(page, observed)
    assert await page.evaluate(BAND) == [], "every point is an observation: there is nothing around them"
    times, values, _ = await page.evaluate(SERIES)
    outside = [[at, each] for at, each in zip(times, values, strict=True) if at < shown[0]][:20]
    assert outside == [[at, each] for at, each in zip(whole[0], whole[1], strict=True)][:20]
    assert times == sorted(times)
    assert await page.evaluate(DEPTH) == depth, "the drawdown is of the whole range, and so is its axis"
    await drag(page, 0.30, 0.60)  # deeper
    deeper = await all_facts_are_shown(page, observed)
    assert deeper != shown
    await page.locator("#graph-equity .nsewdrag").first.dblclick(position={"x": 200, "y": 40})
    await becomes(page, SERIES, whole)
    errors.clean()


async def observe(service: Database, equity: int) -> None:
    await given_equity(service, equity, ending=now().replace(microsecond=0))
    async with service.scoped() as connection:
        await connection.execute("SELECT pg_notify('ai_trader', 'equity:A')")


@pytest.mark.parametrize("way", ["double click", "toolbar"])
async def test_a_chart_whose_zoom_is_taken_back_is_live_again_at_once_and_goes_on(
    browser: Browser, url: str, service: Database, observed: list[datetime], way: str
) -> None:
    page, errors = await opened(browser, url)
    first = await page.evaluate(SHOWN)
    await observe(service, 101_001)
    await becomes(page, f"{LINE}.y.at(-1)", 101_001)
    await drag(page, 0.40, 0.52)
    await all_facts_are_shown(page, observed)
    await page.mouse.move(5, 5)
    if way == "toolbar":
        await page.locator("#graph-equity .nsewdrag").first.hover(position={"x": 200, "y": 40})
        await page.locator('#graph-equity .modebar-btn[data-title="Reset axes"]').click()
    else:
        await page.locator("#graph-equity .nsewdrag").first.dblclick(position={"x": 200, "y": 40})
    await becomes(page, LIVE, wanted=True)
    assert await page.evaluate(SHOWN) != first, "this is what it showed first: it is no longer live"
    await page.mouse.move(5, 5)
    await observe(service, 101_002)
    await becomes(page, f"{LINE}.y.at(-1)", 101_002)
    await becomes(page, LIVE, wanted=True)
    errors.clean()


async def test_a_chart_zoomed_into_the_past_has_no_tag_of_now_and_says_of_when_its_coarser_values_are(
    browser: Browser, url: str, observed: list[datetime]
) -> None:
    page, errors = await opened(browser, url)
    tag = page.locator("#graph-equity .annotation").filter(has_text=re.compile(r"^[\d.,]+k?$"))
    words = f"{CHART}.data.find(trace => trace.name === 'Drawdown').hovertemplate"
    await expect(tag).to_have_count(1)
    assert "%{x}" not in await page.evaluate(words)
    await drag(page, 0.40, 0.52)
    await expect(tag).to_have_count(0)
    await all_facts_are_shown(page, observed)
    assert await page.evaluate(words) == "%{text} at %{x}<extra>Drawdown</extra>"
    await expect(tag).to_have_count(0)
    await page.locator("#graph-equity .nsewdrag").first.dblclick(position={"x": 200, "y": 40})
    await expect(tag).to_have_count(1)
    await becomes(page, f"{words}.includes('%{{x}}')", wanted=False)
    errors.clean()


async def test_the_tools_of_a_chart_lie_beside_its_value_axis(browser: Browser, url: str) -> None:
    page, errors = await opened(browser, url)
    plot = page.locator("#graph-equity .nsewdrag").first
    await plot.hover(position={"x": 200, "y": 40})
    inside, tools = await plot.bounding_box(), await page.locator("#graph-equity .modebar").bounding_box()
    assert inside is not None
    assert tools is not None
    assert tools["x"] + tools["width"] <= inside["x"] + inside["width"] + 1
    await page.mouse.move(5, 5)
    ground = "getComputedStyle(document.querySelector('#graph-equity .modebar')).backgroundColor"
    await becomes(page, ground, "rgba(0, 0, 0, 0)")  # else they hide a part of the chart that nobody points at
    errors.clean()


async def test_a_zoomed_chart_goes_on_live_and_survives_a_change_of_the_theme(
    browser: Browser, url: str, service: Database, observed: list[datetime]
) -> None:
    page, errors = await opened(browser, url)
    await drag(page, 0.90, 0.999)
    shown = await page.evaluate(SHOWN)
    await becomes(page, f"{LINE}.y.length > 150", wanted=True)
    at = now().replace(microsecond=0)
    await given_equity(service, 123_456, ending=at)
    async with service.scoped() as connection:
        await connection.execute("SELECT pg_notify('ai_trader', 'equity:A')")
    await becomes(page, f"{LINE}.y.at(-1)", 123_456)
    await page.keyboard.press("t")
    await becomes(page, "document.documentElement.dataset.mantineColorScheme", "light")
    inside = facts(observed, shown)
    async with asyncio.timeout(20):
        while (await part(page))[1][: len(inside[1])] != inside[1]:
            await asyncio.sleep(0.05)
    assert await page.evaluate(SHOWN) == shown
    errors.clean()
