"""The page Database in a real Chromium: a held lock shows as a tree, findings have SQL to copy, names are text."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from playwright.async_api import Browser, expect

from main import text
from main.clock import now
from main.database.address import Address
from main.database.pool import Database
from main.monitoring.collectors.postgres import PostgresCollector
from tests.browser.conftest import PHONE, picture
from tests.browser.given_earnings import harmless, opened, plotted, said
from tests.browser.test_accessibility import violations
from tests.browser.test_bare_pages import dashboards
from tests.given import given_account
from tests.given_database import given_relation, given_server
from tests.running import fetch

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
CHARTS = ("database_connections", "database_transactions", "database_wal")
TABLES = ("database_locks", "database_activity", "database_statements", "database_tables", "database_indexes")
PANELS = (
    *("database_cards", "database_findings", *CHARTS, *TABLES),
    *("database_replication", "database_applications"),
)
MINUTE = timedelta(minutes=1)
EVIL = "<img src=x onerror=window.harmed=1>"


@dataclass
class Blocked:
    """A session that holds a table, and one that wants it: their processes."""

    url: str
    holder: int
    waiter: int


async def connected(address: Address, name: str) -> asyncpg.Connection:
    arguments = address.connect_arguments() | {"server_settings": {"application_name": name}}
    return await asyncpg.connect(**arguments, timeout=5, command_timeout=120)


async def given_history(service: Database) -> None:
    """Two hours of a server that works, and a table that grew."""
    start = now() - 120 * MINUTE
    for minute in range(0, 118, 2):
        await given_server(
            service,
            start + minute * MINUTE,
            connections=8 + minute % 7,
            active=1 + minute % 3,
            commits=minute * 600,
            rollbacks=minute * 4,
            wal_bytes=minute * 900_000,
            blocks_hit=minute * 9_900,
            blocks_read=minute * 100,
            database_bytes=9_000_000 + minute * 1000,
        )
    for name in ("fills", "trades"):
        await given_relation(service, name, start, table_bytes=8192)


@pytest.fixture(scope="module")
async def blocked(kept_service: Database, kept_address: Address, folder: Path) -> AsyncIterator[Blocked]:
    await given_account(kept_service)
    await given_history(kept_service)
    holder, waiter = await connected(kept_address, EVIL), await connected(kept_address, "waiter")
    await holder.execute(f'CREATE TABLE "{EVIL}" (id int, b int); CREATE INDEX "{EVIL[:30]}x" ON "{EVIL}" (id)')
    await holder.execute(f'CREATE INDEX "{EVIL[:30]}y" ON "{EVIL}" (id, b); DROP INDEX fills_at')
    await PostgresCollector().measure(kept_service)
    await holder.execute(f"BEGIN; LOCK TABLE import_runs; SELECT '{EVIL}'")
    waiting = asyncio.create_task(waiter.fetch("SELECT * FROM import_runs"))
    try:
        with dashboards(kept_address, folder, "system") as started:
            while not await service_waits(kept_service):
                await asyncio.sleep(0.05)
            await PostgresCollector().sample(kept_service)
            yield Blocked(started["system"], holder.get_server_pid(), waiter.get_server_pid())
    finally:
        holder.terminate()
        await asyncio.gather(waiting, return_exceptions=True)
        waiter.terminate()


async def service_waits(service: Database) -> Any:
    async with service.scoped() as connection:
        await connection.execute("SET LOCAL ROLE NONE")
        return await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted")


async def test_what_the_page_shows_is_what_the_reads_say(browser: Browser, blocked: Blocked) -> None:
    page, seen = await opened(browser, f"{blocked.url}/database?range=6h", PANELS)
    tree = page.locator("#body-database_locks tbody tr[data-key]:not(.row-below)")
    assert [each.split()[0] for each in await tree.locator("th").all_inner_texts()] == [
        str(blocked.holder),
        str(blocked.waiter),
    ]
    locks = await said(page, "database_locks")
    assert f"SELECT pg_terminate_backend({blocked.holder});" in locks
    assert "AccessShareLock on import_runs" in locks
    status, body = fetch(f"{blocked.url}/api/reads/database_load?range=6h")
    assert status == 200, body
    load = json.loads(body)["value"]
    cards = await said(page, "database_cards")
    assert f"Connections {load['latest']['connections']} " in cards
    assert f"Cache hit {text.percent(load['cache_hit_share'], 1)}" in cards
    assert f"Size {text.bytes_(load['latest']['database_bytes'])}" in cards or "Size —" in cards
    assert "1 wait for a lock" in cards
    (connections, _, _) = await plotted(page, "database_connections")
    assert len(connections["y"]) >= 50
    missing = await said(page, "database_indexes")
    assert "fills_at Missing fills" in missing
    assert "CREATE INDEX CONCURRENTLY fills_at ON fills (account_id, at DESC);" in missing
    assert EVIL in await said(page, "database_tables") or EVIL in missing
    assert EVIL in await said(page, "database_applications")
    assert await violations(page) == []
    await picture(page, "database-page")
    await harmless(page, seen)


async def test_sql_is_copied_and_tables_sort(browser: Browser, blocked: Blocked) -> None:
    context = await browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = await context.new_page()
    await page.goto(f"{blocked.url}/database?range=6h")
    copy = page.locator("#body-database_locks .sql button")
    await copy.click()
    async with asyncio.timeout(10):
        while (
            await page.evaluate("navigator.clipboard.readText()") != f"SELECT pg_terminate_backend({blocked.holder});"
        ):
            await asyncio.sleep(0.1)
    names = page.locator("#body-database_tables tbody th")
    await page.locator("#panel-database_tables").scroll_into_view_if_needed()
    await names.first.wait_for()
    await page.locator("#body-database_tables").get_by_role("button", name="Table").click()
    await expect(page.locator("#body-database_tables th[aria-sort]")).to_contain_text("Table")
    assert "database_tables.sort=-table_name" in page.url
    await context.close()


async def test_on_a_phone_nothing_scrolls_sideways(browser: Browser, blocked: Blocked) -> None:
    page, seen = await opened(browser, f"{blocked.url}/database?range=6h", PANELS, PHONE)
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "scrolls sideways"
    assert await violations(page) == []
    await picture(page, "database-page-390")
    await harmless(page, seen)


async def test_a_server_that_was_never_sampled_has_a_reason_in_every_panel(
    browser: Browser, service: Database, address: Address, tmp_path: Path
) -> None:
    await given_account(service)
    with dashboards(replace(address), tmp_path, "system") as started:
        page, seen = await opened(browser, f"{started['system']}/database", PANELS)
        for panel in PANELS:
            await expect(page.locator(f"#body-{panel} .notice-empty")).to_be_visible()
        await picture(page, "database-page-empty")
        await harmless(page, seen)
