"""What can be done about a panel with nothing to show is one press away."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from main.database.address import Address
from main.database.pool import Database
from tests.browser.test_bare_pages import dashboards, opened
from tests.given import given_account, given_equity, given_heartbeat, given_trade

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


async def given_a_trade_two_months_ago(service: Database) -> None:
    now = datetime.now(UTC)
    await given_account(service, account="A")
    await given_heartbeat(service, now, account="A")
    await given_equity(service, 1000, 1005, ending=now)
    await given_trade(service, 5, now - timedelta(days=60), symbol="SPY")


async def test_an_empty_range_leads_to_a_longer_one_and_an_empty_past_back_to_live(
    browser: Browser, address: Address, service: Database, tmp_path: Path
) -> None:
    await given_a_trade_two_months_ago(service)
    with dashboards(address, tmp_path, "trading") as urls:
        page, seen = await opened(browser, f"{urls['trading']}/performance?range=1M")
        await page.set_viewport_size({"width": 1440, "height": 2600})  # panels out of sight are not asked for
        panel = page.locator("#body-pnl_by")
        await expect(panel).to_contain_text("No closed trades")
        await panel.get_by_role("button", name="Show 3M").click()
        await expect(page).to_have_url(re.compile("range=3M"))
        await expect(panel.locator(".js-plotly-plot")).to_contain_text("SPY")

        await page.goto(f"{urls['trading']}/performance?as_of=2020-01-01T12:00:00Z")
        await panel.get_by_role("button", name="Back to live").click()
        await expect(page.locator("#strip-past")).to_have_count(0)
        await expect(panel.locator(".js-plotly-plot")).to_contain_text("SPY")
        assert "as_of" not in page.url
        seen.clean()
