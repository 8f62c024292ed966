"""The pages Infrastructure and Health in a real Chromium: live, sorted, on a phone, and with the database away."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from main.database.address import Address
from tests.browser.conftest import DESKTOP, PHONE, Watch, picture, watch
from tests.browser.test_bare_pages import dashboards
from tests.integration.tcp_proxy import TcpProxy
from tests.running import Suite, running

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
INFRASTRUCTURE = (
    *("machine", "cpu_split", "cpu_cores", "load", "memory_use", "open_files", "file_systems", "disk_rates"),
    *("network_rates", "disk_devices", "network_interfaces", "temperatures", "processes"),
)
HEALTH = ("status", "cpu", "memory", "disk", "errors_per_hour", "uptime", "health_services")
OF_THE_MACHINE = (*INFRASTRUCTURE[:-1], "cpu", "memory", "disk")


@pytest.fixture(scope="module")
def suite(run_dir: Path) -> Iterator[Suite]:
    """A bot, both dashboards and the worker."""
    with running(Suite(run_dir / "machine"), "trade", "--enable-monitoring", "--interval", "2") as started:
        started.wait_until_ready("system", "worker", "bot")
        yield started


async def opened(
    browser: Browser, address: str, panels: tuple[str, ...], viewport: Any = DESKTOP
) -> tuple[Page, Watch]:
    page = await browser.new_page(viewport=viewport)
    seen = watch(page)
    await page.goto(address)
    for panel in panels:
        await page.locator(f"#panel-{panel}").scroll_into_view_if_needed()
        await expect(page.locator(f"#badge-{panel}")).to_contain_text("Live", timeout=30_000)
    return page, seen


@pytest.mark.parametrize(("theme", "viewport"), [("dark", DESKTOP), ("light", PHONE)], ids=["1440", "390"])
@pytest.mark.parametrize("path", ["/infrastructure", "/system-health"])
async def test_every_panel_of_the_machine_and_of_health_is_live_without_an_error(
    browser: Browser, suite: Suite, path: str, theme: str, viewport: dict[str, int]
) -> None:
    panels = INFRASTRUCTURE if path == "/infrastructure" else HEALTH
    page, seen = await opened(browser, suite.url("system", f"{path}?theme={theme}"), panels, viewport)
    assert await page.locator(".notice-failed").count() == 0
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "scrolls sideways"
    await picture(page, f"machine{path.replace('/', '-')}-{theme}-{viewport['width']}")
    seen.clean()


async def test_processes_are_sorted_by_pressing_a_column_and_the_suites_own_are_named(
    browser: Browser, suite: Suite
) -> None:
    page, seen = await opened(browser, suite.url("system", "/infrastructure"), ("processes",))
    table = page.locator("#body-processes")
    await table.get_by_role("button", name="Service").click()
    await expect(page).to_have_url(re.compile("processes.sort=-service"))
    await expect(table.get_by_role("row").nth(1)).to_contain_text(
        re.compile("worker|trading-dashboard|system-dashboard")
    )
    await table.get_by_role("button", name="Service").click()
    await expect(table.get_by_role("row").nth(1)).to_contain_text(re.compile("bot:|database"))
    seen.clean()


async def test_uptime_has_a_day_and_the_services_their_processor(browser: Browser, suite: Suite) -> None:
    page, seen = await opened(browser, suite.url("system", "/system-health"), HEALTH)
    for name in ("Database", "Worker", "System dashboard"):
        row = page.locator(".uptime-row").filter(has_text=name)
        await expect(row.locator(".uptime-day").last).to_have_attribute("title", re.compile("up "), timeout=60_000)
        assert await row.locator(".uptime-unseen").count() >= 28, "nobody looked on the days before"
    services = page.locator("#body-health_services")
    await expect(services.get_by_role("row").filter(has_text="worker")).to_contain_text("Running")
    seen.clean()


async def test_the_machine_is_shown_from_live_samples_while_the_database_is_away(
    browser: Browser, address: Address, tmp_path: Path
) -> None:
    with TcpProxy(address) as proxy, dashboards(proxy.address, tmp_path, "system") as started:
        page = await browser.new_page(viewport=DESKTOP)
        await page.goto(f"{started['system']}/infrastructure")
        await expect(page.locator("#body-machine")).to_contain_text("No samples", timeout=30_000)
        proxy.refuse()
        for panel in OF_THE_MACHINE[:-3]:
            await page.locator(f"#panel-{panel}").scroll_into_view_if_needed()
            said = page.locator(f"#subtitle-{panel}")
            await expect(said).to_contain_text("live samples", timeout=40_000)
            await expect(page.locator(f"#badge-{panel}")).to_contain_text("Live")
        await page.locator("#panel-machine").scroll_into_view_if_needed()  # what is out of sight is not asked for
        await expect(page.locator("#body-machine .kpi-figure").first).to_contain_text("%", timeout=20_000)
        await page.locator("#panel-processes").scroll_into_view_if_needed()
        await expect(page.locator("#badge-processes")).to_contain_text("unreachable", timeout=20_000)
        await picture(page, "machine-away")
        await page.goto(f"{started['system']}/system-health")
        for panel in ("cpu", "memory", "disk"):
            said = page.locator(f"#subtitle-{panel}")
            await expect(said).to_contain_text("no database for", timeout=40_000)
            await expect(page.locator(f"#body-{panel} .kpi-figure")).to_have_text(re.compile("[0-9]"))
        proxy.accept()
        await expect(page.locator("#panel-cpu")).to_contain_text("No samples in this range", timeout=40_000)
