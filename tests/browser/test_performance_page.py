"""The page Performance in a real Chromium shows what the reads say, and a reason where there is nothing."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from main import text
from main.database.address import Address
from main.database.pool import Database
from main.monitoring.dashboards.v2.panels.trading.performance import FIGURES
from tests.browser.conftest import PHONE, picture
from tests.browser.given_earnings import HOSTILE, answered, becomes, given_earnings, harmless, opened, plotted, said
from tests.browser.test_bare_pages import dashboards
from tests.given import given_account

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
CHARTS = ("benchmark", "pnl_by_period", "distribution", "pnl_by", "rolling_metrics", "pnl_waterfall")
TABLES = ("performance", "monthly_returns", "pnl_calendar", "trade_statistics", "drawdowns", "pnl_proof")


@pytest.fixture
async def url(service: Database, address: Address, tmp_path: Path) -> AsyncIterator[str]:
    await given_earnings(service)
    with dashboards(address, tmp_path, "trading") as started:
        yield started["trading"]


async def test_what_the_page_shows_is_what_the_reads_say(browser: Browser, url: str) -> None:
    page, seen = await opened(browser, f"{url}/performance?range=3M", (*CHARTS, *TABLES))
    await same_metrics(page, url)
    await same_calendars(page, url)
    await same_tables(page, url)
    await same_charts(page, url)
    await choosing_weeks_and_hours(page, url)
    await picture(page, "performance-page")
    await harmless(page, seen)
    phone, seen = await opened(browser, f"{url}/performance?range=3M", TABLES, PHONE)
    assert await phone.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "scrolls sideways"
    await picture(phone, "performance-page-390")
    await harmless(phone, seen)


async def same_metrics(page: Page, url: str) -> None:
    (row,) = answered(url, "performance")
    names = await page.locator("#body-performance dt").all_inner_texts()
    values = await page.locator("#body-performance dd").all_inner_texts()
    assert dict(zip(names, values, strict=True)) == {name: write(row[field]["value"]) for field, name, write in FIGURES}
    assert row["sharpe"]["value"] is not None
    assert row["alpha"]["value"] is not None
    assert f"A = 365 · rf 0% · {row['days']} daily returns" in await said(page, "performance")


async def same_calendars(page: Page, url: str) -> None:
    months = answered(url, "monthly_returns")
    shown = [cell for cell in await page.locator("#body-monthly_returns .heat-words").all_inner_texts() if cell != "—"]
    # Years are shown newest first, months in their order.
    ordered = sorted(months, key=lambda month: (-int(month["month"][:4]), month["month"]))
    assert shown == [text.percent(month["period_return"], signed=True) for month in ordered]
    total = page.locator("#body-monthly_returns td.heat-total").first
    assert await total.inner_text() == text.percent(months[-1]["year_to_date"], signed=True)
    days = {day["day"]: day for day in answered(url, "pnl_calendar")}
    newest = days[max(days)]
    running = page.locator("#body-pnl_calendar .heat-running")
    assert (await running.locator(".heat-words").inner_text()).strip() == text.signed_money(newest["net_pnl"], 2)
    assert text.signed_money(newest["month_to_date"]) in await page.locator("#subtitle-pnl_calendar").inner_text()


async def same_tables(page: Page, url: str) -> None:
    (row,) = answered(url, "trade_statistics")
    statistics = await said(page, "trade_statistics")
    for written in (
        f"Net P&L {text.signed_money(row['net_pnl'])} after fees of {text.money(row['fees'])}",
        f"Win rate {text.percent(row['win_rate']['value'], 1)} {row['wins']} won, {row['losses']} lost",
        f"Profit factor {text.ratio(row['profit_factor']['value'])}",
        f"Expectancy {text.signed_money(row['expectancy']['value'])}",
        f"Best trade {text.signed_money(row['best']['value'])}",
        f"Worst trade {text.signed_money(row['worst']['value'])}",
    ):
        assert written in statistics
    (curve,) = answered(url, "drawdowns")
    depths = await page.locator("#body-drawdowns tbody th").all_inner_texts()
    assert depths == [text.percent(period["depth"]) for period in curve["worst"]]
    (proof,) = answered(url, "pnl_proof")
    line = await said(page, "pnl_proof")
    for amount in (proof["realized"], -proof["fees"], proof["change"]):
        assert text.signed_money(amount) in line


async def same_charts(page: Page, url: str) -> None:
    (beside,) = answered(url, "benchmark")
    heading = await said(page, "benchmark")
    assert heading.startswith(text.percent(beside["period_return"]["value"], signed=True))
    assert f"excess {text.percentage_points(beside['excess_return']['value'])}" in heading
    lines = {trace["name"]: trace["y"] for trace in await plotted(page, "benchmark")}
    assert lines["accounts"] == pytest.approx([point["growth"] - 1 for point in beside["points"]])
    assert lines["SPX"] == pytest.approx([point["benchmark"] - 1 for point in beside["points"]])
    (bars,) = await plotted(page, "pnl_by")
    parts = answered(url, "pnl_by")
    assert HOSTILE in [part["name"] for part in parts]
    assert bars["x"] == [part["net_pnl"] for part in parts]
    assert bars["text"] == [text.signed_money(part["net_pnl"]) for part in parts]
    (counts, *_) = await plotted(page, "distribution")
    assert counts["y"] == [each["count"] for each in answered(url, "return_distribution")[0]["bins"]]
    (rolling,) = await plotted(page, "rolling_metrics")
    assert rolling["y"] == [point["sharpe"] for point in answered(url, "rolling_metrics", "&window=20")]
    (steps,) = await plotted(page, "pnl_waterfall")
    assert steps["y"][-1] == answered(url, "pnl_proof")[0]["change"]


async def choosing_weeks_and_hours(page: Page, url: str) -> None:
    """A panel's option changes what it asks, and stays in the address."""
    options = page.locator("#options-pnl_by_period")
    await options.get_by_role("radio", name="Week").click()
    weeks = [week["net_pnl"] for week in answered(url, "pnl_by_period", "&period=week")]
    graph = "document.querySelector('#graph-pnl_by_period .js-plotly-plot').data"
    await becomes(page, f"[...{graph}.filter(t => t.type === 'bar')[0].y]", weeks)
    assert "pnl_by_period.period=week" in page.url
    await page.locator("#options-pnl_calendar").get_by_role("radio", name="Year").click()
    await expect(page.locator("#body-pnl_calendar .heat-year")).to_be_visible()
    months = await page.locator("#body-pnl_calendar td.heat-total").all_inner_texts()
    assert len(months) == 12


async def test_an_account_that_has_done_nothing_has_a_reason_in_every_panel(
    browser: Browser, service: Database, address: Address, tmp_path: Path
) -> None:
    await given_account(service)
    with dashboards(address, tmp_path, "trading") as started:
        page, seen = await opened(browser, f"{started['trading']}/performance?range=3M", (*CHARTS, *TABLES))
        for panel in (*CHARTS, *TABLES):
            await expect(page.locator(f"#body-{panel} .notice-empty"), panel).to_contain_text("never sent a heartbeat")
        await picture(page, "performance-page-empty")
        seen.clean()
