"""A user's own dashboard, made the classic way, as a process of its own in a real Chromium."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.async_api import Browser, Page, Route, expect

from main.database.address import Address
from main.database.pool import Database
from tests.browser.conftest import DESKTOP, Watch, picture, watch
from tests.given import given_account, given_equity, given_flow, given_heartbeat
from tests.integration.processes import program
from tests.running import fetch, free_ports, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(90)]
RECIPE = Path(__file__).with_name("classic_recipe.py")
AMOUNTS = (-3.25, 1.5, -0.75, 12.0)


@pytest.fixture(scope="module")
async def port(kept_address: Address, kept_service: Database, folder: Path) -> AsyncIterator[int]:
    """The recipe serving an account with funding, one that trades now."""
    now = datetime.now(UTC)
    await given_account(kept_service)
    await given_equity(kept_service, 1000, 1010, 1005, ending=now)
    await given_heartbeat(kept_service, now, interval_seconds=600)
    await given_flow(kept_service, 5000, now - timedelta(hours=40))
    for place, amount in enumerate(AMOUNTS):
        await given_flow(kept_service, amount, now - timedelta(hours=32 - 8 * place), kind="funding")
    (free,) = free_ports(1)
    credentials = f"{quote(kept_address.user)}:{quote(kept_address.password or '')}"
    url = f"postgresql://{credentials}@{kept_address.host}:{kept_address.port}/{kept_address.database}"
    with program([str(RECIPE), str(free)], {"DATABASE_URL": url}, cwd=folder) as process:
        await asyncio.to_thread(
            until, lambda: fetch(f"http://127.0.0.1:{free}/readyz")[0] == 200 or process.poll() is not None, 30, "ready"
        )
        assert process.poll() is None, "the recipe ended"
        yield free


async def opened(browser: Browser, port: int) -> tuple[Page, Watch]:
    page = await browser.new_page(viewport=DESKTOP)
    seen = watch(page)
    await page.goto(f"http://127.0.0.1:{port}/")
    return page, seen


async def test_the_tab_is_an_entry_of_the_navigation_and_draws_its_graph(browser: Browser, port: int) -> None:
    page, seen = await opened(browser, port)
    await expect(page.locator("#badge-equity")).to_contain_text("Live", timeout=20_000)
    await page.get_by_role("navigation", name="Pages").get_by_text("Funding", exact=True).click()
    graph = page.locator("#funding-content .js-plotly-plot")
    await expect(graph.locator(".main-svg").first).to_be_visible(timeout=20_000)  # its place is there before its lines
    trace = await graph.evaluate(
        "graph => ({x: Array.from(graph._fullData[0].x, String), y: [...graph._fullData[0].y]})"
    )
    assert trace["y"] == list(AMOUNTS)
    assert len(trace["x"]) == len(AMOUNTS)
    await picture(page, "classic-recipe-funding")
    await page.reload()
    await expect(graph).to_be_visible(timeout=20_000)
    await expect(page.locator("#page-name")).to_have_text("Funding")
    seen.clean()


async def test_a_slow_callback_beside_it_stalls_neither_the_process_nor_the_live_panels(
    browser: Browser, port: int, kept_service: Database
) -> None:
    await given_equity(kept_service, 1007, ending=datetime.now(UTC))  # the fixture's grew old during the tests before
    await service_announces(kept_service)
    page, seen = await opened(browser, port)
    await expect(page.locator("#badge-equity")).to_contain_text("Live", timeout=20_000)
    asked_at = asyncio.get_running_loop().create_future()

    def slow_callback(request: object) -> None:
        body = getattr(request, "post_data", None) or ""
        if "slow-content" in body and not asked_at.done():
            asked_at.set_result(time.monotonic())

    page.on("request", slow_callback)
    began = await asyncio.wait_for(asked_at, 15)
    await given_equity(kept_service, 77_777.25, ending=datetime.now(UTC))
    shown = asyncio.create_task(
        expect(page.locator("#body-account_cards")).to_contain_text("77,777.25", timeout=10_000)
    )
    delays = []
    while time.monotonic() < began + 1.9:
        started = time.monotonic()
        code, _ = await asyncio.to_thread(fetch, f"http://127.0.0.1:{port}/livez")
        delays.append(time.monotonic() - started)
        assert code == 200
        await asyncio.sleep(0.02)
    assert sorted(delays)[int(len(delays) * 0.95)] < 0.1, sorted(delays)[-5:]
    await service_announces(kept_service)
    await shown
    await expect(page.locator("#slow-content")).to_contain_text("slept", timeout=10_000)
    seen.clean()


async def test_a_callback_that_fails_is_said_above_the_panels_until_it_works_again(browser: Browser, port: int) -> None:
    page, seen = await opened(browser, port)
    seen.tolerated = lambda text: "503" in text or "Callback failed" in text or "callback" in text.lower()
    problem = json.dumps({"detail": "database unreachable since noon", "request_id": "0badcafe"})

    async def fail(route: Route) -> None:
        await route.fulfill(status=503, content_type="application/problem+json", body=problem)

    await page.route(re.compile("_dash-update-component"), fail)
    strip = page.locator("#strip-callback")
    await expect(strip).to_contain_text("database unreachable since noon (request 0badcafe)", timeout=20_000)
    await page.unroute_all()
    await expect(strip).to_have_count(0, timeout=20_000)
    seen.clean()


async def service_announces(service: Database) -> None:
    """Tell that equity changed, as a recorder does after its commit."""
    async with service.scoped() as connection:
        await connection.execute("SELECT pg_notify('ai_trader', 'equity:A')")


async def test_layout_and_unknown_addresses_answer_over_the_running_process(port: int) -> None:
    code, body = await asyncio.to_thread(fetch, f"http://127.0.0.1:{port}/_dash-layout")
    assert code == 200
    assert "funding-content" in json.dumps(json.loads(body))
    code, body = await asyncio.to_thread(fetch, f"http://127.0.0.1:{port}/api/nope")
    assert code == 404
    assert json.loads(body)
