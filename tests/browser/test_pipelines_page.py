"""The pages Pipelines, Events & logs and Storage in a real Chromium: what the reads say, and names as text."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.async_api import Browser, Page, expect

from main import text
from main.clock import now
from main.database.address import Address
from main.database.pool import Database
from main.monitoring.collectors.postgres import PostgresCollector
from tests.browser.conftest import PHONE, picture
from tests.browser.given_earnings import answered, harmless, opened, plotted, said
from tests.browser.test_bare_pages import dashboards
from tests.given import given_account, given_event, given_heartbeat, given_instrument, insert
from tests.given_market import given_run
from tests.given_storage import given_bot_answer, given_purge
from tests.integration.test_data_quality import given_ticks, measured, ticks

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
PAGES = {
    "pipelines": ("pipeline_cards", "data_quality", "pipeline_runs", "bot_health", "custom_metrics"),
    "events-logs": ("event_counts", "system_events", "service_logs", "audit"),
    "storage": ("storage_cards", "storage_disk", "storage_tables", "storage_indexes", "backups"),
}
EVIL = "<img src=x onerror=window.harmed=1>"
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
async def url(kept_service: Database, kept_address: Address, folder: Path) -> AsyncIterator[str]:
    moment = now()
    await given_account(kept_service, label=f"Maker {EVIL}")
    await given_heartbeat(kept_service, moment, recorded_at=moment, interval_seconds=3600)
    for symbol, minutes_ago in ((EVIL, 0), ("MOVES", 0), ("AWAY", 20)):
        await given_instrument(kept_service, symbol)
        told = ticks(moment - minutes_ago * MINUTE, 200, MINUTE)
        await given_ticks(kept_service, told, symbol, still=symbol == EVIL)
    await measured(kept_service)
    lag = {"lag_seconds": 1, "slo_seconds": 5, "message": EVIL}
    await given_run(kept_service, EVIL, moment - 10 * MINUTE, moment, rows_in=600, **lag)
    await given_bot_answer(kept_service, "A", said=EVIL, state="unhealthy", status_code=503)
    row = {"source": "bot", "account_id": "A", "unit": "orders"}
    told = [moment - place * MINUTE for place in range(20)]
    values = [{"name": EVIL, "at": at, "recorded_at": at, "value": 20 - place} for place, at in enumerate(told)]
    await insert(kept_service, "custom_metrics", [row | each for each in values])
    for place in range(70):
        await given_event(kept_service, f"event {place}", "info", moment - place * MINUTE)
    await given_event(kept_service, "crash", "error", moment - MINUTE, message=EVIL, details=f'{{"why": "{EVIL}"}}')
    await given_purge(kept_service, "system_events", moment - timedelta(days=90), moment - MINUTE, 5)
    await PostgresCollector().measure(kept_service)
    with dashboards(kept_address, folder, "system") as started:
        yield started["system"]


@pytest.mark.promise(30)
async def test_the_three_pages_show_what_the_reads_say_and_names_as_text(browser: Browser, url: str) -> None:
    page, seen = await opened(browser, f"{url}/pipelines?range=3M", PAGES["pipelines"])
    await same_symbols(page, url)
    await a_metric_opens_its_course(page, url)
    await picture(page, "pipelines")
    await harmless(page, seen)
    await page.close()
    page, seen = await opened(browser, f"{url}/events-logs", PAGES["events-logs"])
    await events_are_paged_searched_and_unfolded(page, url)
    await picture(page, "events")
    await harmless(page, seen)
    await page.close()
    page, seen = await opened(browser, f"{url}/storage?storage_tables.size=100", PAGES["storage"])
    await same_tables(page, url)
    await picture(page, "storage")
    await harmless(page, seen)


async def test_the_three_pages_fit_a_phone(browser: Browser, url: str) -> None:
    for page_name, panels in PAGES.items():
        page, seen = await opened(browser, f"{url}/{page_name}?theme=light", panels, PHONE)
        for panel in panels:
            await expect(page.locator(f"#panel-{panel}")).not_to_have_attribute("data-state", "error")
        await picture(page, f"{page_name}-390")
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "scrolls sideways"
        await harmless(page, seen)
        await page.close()


async def same_symbols(page: Page, url: str) -> None:
    found = answered(url, "data_quality")["items"]
    assert [(each["symbol"], each["state"]) for each in found] == [(EVIL, "frozen"), ("AWAY", "gap"), ("MOVES", "ok")]
    shown = await said(page, "data_quality")
    for each in found:
        share = text.percent(each["completeness"], 1)
        assert f"{each['symbol']} {each['state'].capitalize()} {share} {each['received']:,} {each['gaps']}" in shown
    assert "nothing comes, though its bot is at work" in shown


async def a_metric_opens_its_course(page: Page, url: str) -> None:
    row = page.locator("#body-custom_metrics tbody tr")
    await expect(row).to_contain_text(EVIL)
    await expect(row).to_contain_text("20 orders")
    await row.click()
    drawer = page.locator("#panel-custom_metric")
    await expect(drawer).to_be_visible()
    await expect(drawer).to_contain_text("lowest 1 orders · highest 20 orders")
    course = (await plotted(page, "custom_metric"))[-1]  # over the band of how far it went
    points = answered(url, "custom_metric", f"&metric={quote(EVIL)}&points=300")
    assert course["y"] == [each["mean_value"] for each in points]
    assert "custom_metric.metric=" in page.url
    await drawer.get_by_role("button", name="Close").click()
    await expect(drawer).to_be_hidden()


async def events_are_paged_searched_and_unfolded(page: Page, url: str) -> None:
    rows = page.locator("#body-system_events tbody tr:not(.row-below)")
    await expect(rows.first).to_contain_text("crash")
    await expect(rows).to_have_count(50)
    await page.locator("#body-system_events").get_by_role("button", name="Next").click()
    await expect(rows).to_have_count(21)
    await page.goto(f"{url}/events-logs?system_events.text=onerror")
    await expect(rows).to_have_count(1)
    details = page.locator("#body-system_events details")
    await details.locator("summary").click()
    await expect(details.locator("pre")).to_contain_text(f'"why": "{EVIL}"')
    counted = sum(sum(trace["y"]) for trace in await plotted(page, "event_counts"))
    assert counted == 71


async def same_tables(page: Page, url: str) -> None:
    largest = answered(url, "storage_tables")[0]
    row = page.locator("#body-storage_tables tbody tr").first
    await expect(row).to_contain_text(largest["table"])
    await expect(row).to_contain_text(text.bytes_(largest["total_bytes"]))
    events = page.locator("#body-storage_tables tbody tr").filter(has_text="system_events")
    await expect(events).to_contain_text("89 d 23 h")
    await expect(page.locator("#body-backups")).to_contain_text("makes no backups yet")
