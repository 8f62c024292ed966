"""Nothing breaks where there is nothing, little, or far more than a screen holds."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Browser

from main.database.address import Address
from main.database.pool import Database
from tests.browser.conftest import PHONE
from tests.browser.given_wide import given_wide
from tests.browser.test_bare_pages import dashboards
from tests.browser.walk import PAGES, walk
from tests.given import given_account, given_heartbeat

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
LONG_PHONE = PHONE | {"height": 9000}
NAMED = {page.name: page for page in PAGES}


@pytest.fixture(scope="module")
async def wide(kept_address: Address, folder: Path) -> AsyncIterator[str]:
    """A trading dashboard over 50 accounts, 10,000 symbols and 500 open positions."""
    await given_wide(kept_address)
    with dashboards(kept_address, folder, "trading") as urls:
        yield urls["trading"]


async def test_an_empty_database_leaves_every_panel_empty_and_every_one_says_why(
    browser: Browser, address: Address, tmp_path: Path
) -> None:
    with dashboards(address, tmp_path, "trading") as urls:
        found = await walk(browser, urls["trading"], name="empty")
        assert [each.panel for each in found.values() if not each.empty] == []
        await walk(browser, urls["trading"], pages=PAGES[:2], viewport=LONG_PHONE, name="empty")


async def test_an_account_that_never_traded_breaks_no_panel(
    browser: Browser, service: Database, address: Address, tmp_path: Path
) -> None:
    await given_account(service)
    await given_heartbeat(service, datetime.now(UTC), interval_seconds=600)
    with dashboards(address, tmp_path, "trading") as urls:
        found = await walk(browser, urls["trading"], name="untraded")
        assert found["account_cards"].has_data
        assert found["accounts"].has_data
        assert {
            name for name in ("trades", "open_positions", "equity", "slippage", "drawdowns") if found[name].empty
        } == {
            "trades",
            "open_positions",
            "equity",
            "slippage",
            "drawdowns",
        }


async def test_fifty_accounts_in_three_currencies_and_ten_thousand_symbols_fill_every_panel(
    browser: Browser, wide: str
) -> None:
    found = await walk(browser, wide, name="wide")
    assert [each.panel for each in found.values() if not each.has_data] == []
    await walk(browser, wide, pages=[NAMED["Overview"], NAMED["Trades"]], viewport=LONG_PHONE, name="wide")


async def test_five_hundred_open_positions_of_one_account_fill_every_panel(browser: Browser, wide: str) -> None:
    found = await walk(browser, wide, "accounts=W00", name="positions")
    assert [each.panel for each in found.values() if not each.has_data] == []
    assert "500 positions" in found["account_cards"].words
    phone = [NAMED["Trading"], NAMED["Risk"]]
    await walk(browser, wide, "accounts=W00", pages=phone, viewport=LONG_PHONE, name="positions")
