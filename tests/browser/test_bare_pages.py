"""What do the pages show when there is little to show: no bot, no database, a past moment, names made to do harm?"""

import contextlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from main.database.address import Address
from main.database.embedded import EmbeddedServer
from main.database.pool import Database
from tests.browser.conftest import DESKTOP, Watch, picture, watch
from tests.given import (
    given_account,
    given_equity,
    given_heartbeat,
    given_host,
    given_order_event,
    given_position,
    given_trade,
)
from tests.integration.processes import program
from tests.integration.tcp_proxy import TcpProxy
from tests.running import ROOT, Suite, fetch, free_ports, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]
V2 = ROOT / "src" / "main" / "monitoring" / "dashboards" / "v2"
HOSTILE = '<img src=x onerror="alert(1)">'
PANELS = {
    "trading": ("account_cards", "equity", "positions_map", "cumulative_pnl", "activity", "positions", "accounts"),
    "system": ("status", "cpu", "memory", "disk"),
}


@contextlib.contextmanager
def dashboards(address: Address, folder: Path, *names: str) -> Iterator[dict[str, str]]:
    """Run dashboards by their scripts against a database; give their addresses by name."""
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    environment = {
        "DB_HOST": address.host,
        "DB_PORT": str(address.port),
        "DB_NAME": address.database,
        "DB_USER": address.user,
        "DB_PASSWORD": address.password or "",
        "AI_TRADER_DATA_DIR": str(folder / "data"),
        "AI_TRADER_LOG_DIR": str(folder / "logs"),
    }
    with contextlib.ExitStack() as stack:
        for name, port in ports.items():
            argv = [str(V2 / f"run_{name}_dashboard.py"), "--port", str(port)]
            process = stack.enter_context(program(argv, environment, cwd=folder))
            alive = f"http://127.0.0.1:{port}/livez"
            until(lambda: fetch(alive)[0] == 200 or process.poll() is not None, 30, f"the {name} dashboard")  # noqa: B023
            assert process.poll() is None, f"the {name} dashboard ended"
        yield {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}


async def opened(browser: Browser, url: str) -> tuple[Page, Watch]:
    page = await browser.new_page(viewport=DESKTOP)
    page.on("dialog", lambda dialog: seen.errors.append(f"dialog: {dialog.message}"))
    seen = watch(page)
    await page.goto(url)
    return page, seen


async def every_badge(page: Page, which: str, text: str | re.Pattern[str], seconds: float = 20) -> None:
    for panel in PANELS[which]:
        await page.locator(f"#panel-{panel}").scroll_into_view_if_needed()
        await expect(page.locator(f"#badge-{panel}")).to_contain_text(text, timeout=seconds * 1000)


@pytest.fixture
async def trading(service: Database) -> datetime:
    """An account that has traded for two hours and does now, on a machine that is watched; give the present."""
    now = datetime.now(UTC)
    await given_account(service)
    await given_equity(service, 1000, 1010, 1005, ending=now - timedelta(hours=2))
    await given_equity(service, 2000, 2010.5, ending=now)
    await given_heartbeat(service, now - timedelta(hours=2, minutes=1), interval_seconds=600)
    await given_heartbeat(service, now, interval_seconds=600)
    await given_host(service, *[0.25] * 150, ending=now)
    return now


async def test_without_a_bot_the_pages_say_what_is_missing_and_how_to_get_it(browser: Browser, tmp_path: Path) -> None:
    suite = Suite(tmp_path / "suite")
    try:
        assert suite.start("dashboards", "start").wait(timeout=70) == 0, suite.said()
        page, seen = await opened(browser, suite.url("trading"))
        for panel in PANELS["trading"]:
            await page.locator(f"#panel-{panel}").scroll_into_view_if_needed()
            await expect(page.locator(f"#body-{panel}")).to_contain_text("There is no account yet", timeout=20_000)
            await expect(page.locator(f"#body-{panel}")).to_contain_text("python ai_trader.py trade")
        await expect(page.locator("#title-scope")).to_contain_text("no account yet")
        await picture(page, "trading-empty")
        system, system_seen = await opened(browser, suite.url("system"))
        await every_badge(system, "system", "Live")
        await expect(system.locator("#body-status")).to_contain_text("Healthy")
        await picture(system, "system-without-bot")
        seen.clean()
        system_seen.clean()
        assert suite.start("dashboards", "stop").wait(timeout=30) == 0, suite.said()
        assert suite.members() == []
        assert EmbeddedServer(suite.folder / "data").running() is None
    finally:
        suite.stop()


@pytest.mark.promise(8)
async def test_pages_are_up_without_a_database_and_recover_when_it_comes(
    browser: Browser, address: Address, trading: datetime, tmp_path: Path
) -> None:
    with TcpProxy(address) as proxy:
        proxy.refuse()
        with dashboards(proxy.address, tmp_path, "trading", "system") as urls:
            page, seen = await opened(browser, urls["trading"])
            system, system_seen = await opened(browser, urls["system"])
            await every_badge(page, "trading", "Database unreachable")
            await expect(system.locator("#body-status")).to_contain_text("Unreachable", timeout=20_000)
            await expect(system.locator("#badge-status")).to_contain_text("Database unreachable", timeout=20_000)
            for panel in PANELS["system"][1:]:  # this machine needs no database to be seen
                await expect(system.locator(f"#badge-{panel}")).to_contain_text("Live", timeout=20_000)
                await expect(system.locator(f"#subtitle-{panel}")).to_contain_text("live samples")
            await picture(page, "trading-without-database")
            await picture(system, "system-without-database")
            loads: list[str] = []
            for each in (page, system):
                each.on("load", lambda loaded: loads.append(loaded.url))
            proxy.accept()
            answered = re.compile("Live|Late|Stale")  # nobody renews these facts: on a slow machine they are old by now
            await every_badge(page, "trading", answered)
            await every_badge(system, "system", answered)
            await expect(page.locator("#body-account_cards")).to_contain_text("2,010.50")
            assert loads == []
            seen.clean()
            system_seen.clean()


@pytest.mark.promise(9)
@pytest.mark.promise(10)
async def test_a_frozen_and_a_lost_database_are_said_so_on_every_panel_and_its_return_needs_no_reload(
    browser: Browser, address: Address, trading: datetime, tmp_path: Path
) -> None:
    known = re.compile("Live|Late|Stale")
    with TcpProxy(address) as proxy, dashboards(proxy.address, tmp_path, "trading") as urls:
        page, seen = await opened(browser, urls["trading"])
        await page.set_viewport_size({"width": 1440, "height": 3000})  # every panel is in sight
        loads: list[str] = []
        await badges(page, known)
        page.on("load", lambda loaded: loads.append(loaded.url))
        for trouble, relief in ((proxy.freeze, lambda: proxy.freeze(False)), (proxy.refuse, proxy.accept)):
            trouble()
            await badges(page, "Database unreachable")
            await expect(page.locator(".badge-live")).to_have_count(0)
            await expect(page.locator("#body-account_cards")).to_contain_text("2,010.50")
            relief()
            await badges(page, known)
        assert loads == []
        seen.clean()


async def badges(page: Page, text: str | re.Pattern[str]) -> None:
    for panel in PANELS["trading"]:
        await expect(page.locator(f"#badge-{panel}")).to_contain_text(text, timeout=20_000)


async def test_a_past_moment_is_told_apart_from_the_present(
    browser: Browser, address: Address, trading: datetime, tmp_path: Path
) -> None:
    then = (trading - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    with dashboards(address, tmp_path, "trading", "system") as urls:
        for which in ("trading", "system"):
            page, seen = await opened(browser, f"{urls[which]}/?as_of={then}")
            await expect(page.locator("#strip-past")).to_contain_text("Looking at the past")
            await every_badge(page, which, "As of")
            assert await page.locator(".badge-live, .live-dot").count() == 0
            await expect(page.locator("#control-moment")).not_to_contain_text("Live")
            if which == "trading":
                await expect(page.locator("#body-account_cards")).to_contain_text("1,005.00")
                await page.locator("#strip-past").get_by_role("button", name="Back to live").click()
                await expect(page.locator("#body-account_cards")).to_contain_text("2,010.50", timeout=20_000)
                await expect(page.locator("#strip-past")).to_have_count(0)
                await expect(page.locator("#control-moment")).to_contain_text("Live")
                assert "as_of" not in page.url
            await picture(page, f"{which}-past")
            seen.clean()


async def test_names_made_to_do_harm_are_shown_as_text(
    browser: Browser, address: Address, service: Database, trading: datetime, tmp_path: Path
) -> None:
    held = {"entry_time": trading - timedelta(hours=1), "at": trading, "position_id": "p"}
    await given_position(service, HOSTILE, **held)
    await given_trade(service, 5, trading - timedelta(minutes=3), symbol=HOSTILE)
    await given_order_event(service, "rejected", trading - timedelta(minutes=2), symbol=HOSTILE, reason=HOSTILE)
    with dashboards(address, tmp_path, "trading") as urls:
        page, seen = await opened(browser, urls["trading"])
        await every_badge(page, "trading", "Live")
        for panel in ("positions", "activity"):
            await expect(page.locator(f"#body-{panel}")).to_contain_text(HOSTILE)
        await expect(page.locator("#graph-positions_map .js-plotly-plot")).to_be_visible()
        assert await page.locator("img").count() == 0
        await picture(page, "trading-hostile-names")
        seen.clean()
