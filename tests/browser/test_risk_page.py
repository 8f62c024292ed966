"""The page Risk in a real Chromium shows what the reads say, names as text, and a reason where there is nothing."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from main import text
from main.database.address import Address
from main.database.pool import Database
from tests.browser.conftest import PHONE, picture
from tests.browser.given_earnings import HOSTILE, answered, becomes, given_earnings, harmless, opened, plotted, said
from tests.browser.test_bare_pages import dashboards
from tests.given import given_account

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
CHARTS = ("under_water", "daily_loss_course", "risk_factor", "concentration", "sector_exposure", "correlation")
OTHERS = ("risk_cards", "daily_loss", "leverage", "inventory", "trade_risk")


@pytest.fixture
async def url(service: Database, address: Address, tmp_path: Path) -> AsyncIterator[str]:
    await given_earnings(service)
    with dashboards(address, tmp_path, "trading") as started:
        yield started["trading"]


async def test_what_the_page_shows_is_what_the_reads_say(browser: Browser, url: str) -> None:
    page, seen = await opened(browser, f"{url}/risk?range=3M", (*CHARTS, *OTHERS))
    await same_cards(page, url)
    await same_limits(page, url)
    await same_positions(page, url)
    await same_charts(page, url)
    await choosing_symbols(page, url)
    await picture(page, "risk-page")
    await harmless(page, seen)
    phone, seen = await opened(browser, f"{url}/risk?range=3M", OTHERS, PHONE)
    assert await phone.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "scrolls sideways"
    await picture(phone, "risk-page-390")
    await harmless(phone, seen)


async def same_cards(page: Page, url: str) -> None:
    (held,) = answered(url, "exposure")
    (earned,) = answered(url, "performance")
    (fell,) = answered(url, "drawdowns")
    cards = await said(page, "risk_cards")
    for written in (
        f"Leverage {text.leverage(held['leverage']['value'])} {held['leverage_band']}",
        f"Gross exposure {text.leverage(held['gross_exposure']['value'])} {text.money(held['gross'], 0)}",
        f"Net exposure {text.leverage(held['net_exposure']['value'])} {text.money(held['net'], 0)}",
        f"Largest weight {text.percent(held['max_weight']['value'], 1)}",
        f"HHI {text.ratio(held['concentration']['value'])}",
        f"VaR 95, 1 day {text.percent(earned['value_at_risk']['value'])}",
        f"CVaR 95, 1 day {text.percent(earned['conditional_value_at_risk']['value'])}",
        f"Drawdown {text.percent(fell['current']['value'])} daily closes Max {text.percent(fell['deepest']['value'])}",
    ):
        assert written in cards


async def same_limits(page: Page, url: str) -> None:
    (day,) = answered(url, "daily_loss")
    assert day["loss_share"]["value"] == pytest.approx(0.6252)
    gauge = await said(page, "daily_loss")
    assert f"{text.percent(day['loss_share']['value'], 1)} 312.60 of 500 USD" in gauge
    (account,) = answered(url, "exposure", "&by=account")
    line = await said(page, "leverage")
    assert f"{text.leverage(account['leverage']['value'])} {account['leverage_band']}" in line
    assert f"{text.money(account['equity'])} {text.money(account['gross'])} {text.money(account['net'])}" in line


async def same_positions(page: Page, url: str) -> None:
    tiles = await page.locator("#body-inventory .tile").all_inner_texts()
    holdings = answered(url, "inventory")
    assert len(tiles) == len(holdings) == 3
    for holding in holdings:
        (tile,) = [each for each in tiles if each.startswith(holding["symbol"])]
        assert text.percent(holding["used"]["value"], 1) in tile
        band = {"critical": "near the limit"}.get(holding["band"], holding["band"])  # no alert: one would say critical
        assert f"{text.money(holding['value'], 0)} · {band}" in tile
    assert {holding["band"] for holding in holdings} == {"low", "medium", "critical"}
    risks = sorted(answered(url, "trade_risk"), key=lambda each: -(each["risk"]["value"] or 0))
    rows = page.locator("#body-trade_risk tbody tr")
    assert await rows.locator("th").all_inner_texts() == [each["symbol"] for each in risks]
    assert await rows.locator("td:last-child").all_inner_texts() == [
        text.percent(each["risk"]["value"]) for each in risks
    ]
    assert risks[-1]["risk"]["reason"] == "no stop was set"


async def same_charts(page: Page, url: str) -> None:
    (curve,) = answered(url, "drawdowns")
    (line,) = await plotted(page, "under_water")
    assert line["y"] == [point["drawdown"] for point in curve["points"]]
    (held,) = answered(url, "exposure")
    (weights,) = await plotted(page, "concentration")
    assert weights["x"] == [each["weight"] for each in held["symbols"]]
    (sectors,) = await plotted(page, "sector_exposure")
    assert sectors["x"] == [each["share"] for each in held["sectors"]]
    (course,) = await plotted(page, "daily_loss_course")
    assert course["y"] == [point["loss_share"]["value"] for point in answered(url, "daily_loss_course")]
    (factor,) = await plotted(page, "risk_factor")
    assert factor["y"] == [point["risk_factor"] for point in answered(url, "risk_factor")]
    assert HOSTILE in await said(page, "risk_factor")


async def choosing_symbols(page: Page, url: str) -> None:
    (by_strategy,) = await plotted(page, "correlation")
    (matrix,) = answered(url, "correlation", "&by=strategy&most=12")
    assert by_strategy["z"] == [[cell["value"] for cell in row] for row in matrix["cells"]]
    await page.locator("#options-correlation").get_by_role("radio", name="Symbols").click()
    (symbols,) = answered(url, "correlation", "&by=symbol&most=12")
    graph = "document.querySelector('#graph-correlation .js-plotly-plot').data[0]"
    await becomes(page, f"{graph}.z", [[cell["value"] for cell in row] for row in symbols["cells"]])
    assert "correlation.of=symbol" in page.url


async def test_an_account_that_has_done_nothing_has_a_reason_in_every_panel(
    browser: Browser, service: Database, address: Address, tmp_path: Path
) -> None:
    await given_account(service)
    with dashboards(address, tmp_path, "trading") as started:
        page, seen = await opened(browser, f"{started['trading']}/risk?range=3M", (*CHARTS, *OTHERS))
        known = ("risk_cards", "leverage", "daily_loss")
        for panel in (*CHARTS, *OTHERS):
            if panel not in known:  # an account without equity has its limits all the same
                notice = page.locator(f"#body-{panel} .notice-empty")
                await expect(notice, panel).to_contain_text("never sent a heartbeat")
        assert "Leverage — no equity recorded of A" in await said(page, "risk_cards")
        assert "nothing was recorded of the day" in await said(page, "daily_loss")
        await picture(page, "risk-page-empty")
        seen.clean()
