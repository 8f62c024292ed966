"""The page of services in a real Chromium: the table, the worker's jobs, and logs that are followed and searched."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from main.database.address import Address
from tests.browser.conftest import DESKTOP, PHONE, Watch, picture, watch
from tests.browser.test_bare_pages import dashboards
from tests.running import Suite, fetch, running

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
PANELS = ("services", "worker_jobs", "service_logs")
LINES = "#service_logs-lines .log-line"
HOSTILE = ("<img src=x onerror=\"document.title='hacked'\">", "javascript:alert(1)", "<script>alert(1)</script>")


@pytest.fixture(scope="module")
def suite(run_dir: Path) -> Iterator[Suite]:
    """A bot, both dashboards and the worker, beside a service whose log is hostile."""
    with running(Suite(run_dir / "services"), "trade", "--enable-monitoring", "--interval", "2") as started:
        started.wait_until_ready("system", "worker", "bot")
        log(
            started.folder, "hostile", *(line(f"cycle {number}", 3000 - number, level="debug") for number in range(700))
        )
        log(started.folder, "hostile", *(line(said, 20, level="error", link=said) for said in HOSTILE))
        log(started.folder, "hostile", "\x1b[31mred\x1b[0m and \x00 from a C library\n")
        yield started


def line(event: str, seconds_ago: float = 0.0, **more: Any) -> str:
    at = (datetime.now(UTC) - timedelta(seconds=seconds_ago)).isoformat()
    return json.dumps({"event": event, "level": "info", "at": at} | more) + "\n"


def log(place: Path, name: str, *lines: str) -> None:
    folder = place / "logs" / "dashboards"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.log").open("a") as file:
        file.writelines(lines)


async def opened(
    browser: Browser, suite: Suite, theme: str = "dark", viewport: dict[str, int] = DESKTOP
) -> tuple[Page, Watch]:
    page = await browser.new_page(viewport=viewport)
    seen = watch(page)
    await page.goto(suite.url("system", f"/services?theme={theme}"))
    for panel in PANELS:
        await page.locator(f"#panel-{panel}").scroll_into_view_if_needed()
        await expect(page.locator(f"#badge-{panel}")).to_contain_text("Live", timeout=20_000)
    await expect(page.locator(LINES).first).to_be_visible(timeout=20_000)
    return page, seen


@pytest.mark.parametrize(("theme", "viewport"), [("dark", DESKTOP), ("light", PHONE)], ids=["1440", "390"])
async def test_services_jobs_and_logs_are_on_the_page_without_an_error(
    browser: Browser, suite: Suite, theme: str, viewport: dict[str, int]
) -> None:
    page, seen = await opened(browser, suite, theme, viewport)
    for service in ("manager", "trading dashboard", "system dashboard", "worker", "bot: Market maker"):
        await expect(page.locator("#body-services").get_by_role("row").filter(has_text=service).first).to_be_visible()
    await expect(page.locator("#body-worker_jobs")).to_contain_text("rollups")
    await picture(page, f"services-{theme}-{viewport['width']}")
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "scrolls sideways"
    seen.clean()


async def test_the_log_is_followed_and_what_was_typed_stays(browser: Browser, suite: Suite) -> None:
    page, seen = await opened(browser, suite)
    search = page.get_by_label("Search the logs")
    await search.fill("followed")
    await expect(page.locator("#service_logs-lines")).to_contain_text("Nothing like it")
    for number in range(2):
        log(suite.folder, "followed", line(f"followed {number}"))
        await expect(page.locator(LINES).first).to_contain_text(f"followed {number}", timeout=10_000)
    assert await page.evaluate("document.activeElement.id") == "service_logs-search"
    assert await search.input_value() == "followed"
    await page.get_by_label("Follow").uncheck(force=True)
    log(suite.folder, "followed", line("followed too late"))
    await page.wait_for_timeout(3_000)
    await expect(page.locator(LINES)).to_have_count(2)
    seen.clean()


async def test_service_level_and_older_lines_are_chosen(browser: Browser, suite: Suite) -> None:
    page, seen = await opened(browser, suite)
    await page.get_by_label("Only this service").first.click()
    await page.get_by_role("option", name="hostile").click()
    await expect(page.locator(LINES).filter(has_not_text="hostile")).to_have_count(0)
    await expect(page.locator(LINES)).to_have_count(200)
    await page.get_by_role("button", name="Older lines").click()
    await expect(page.locator(LINES)).to_have_count(400)
    assert not await page.get_by_label("Follow").is_checked()
    await page.get_by_role("button", name="Older lines").click()
    await expect(page.locator(LINES)).to_have_count(600)
    texts = await page.locator(f"{LINES} .log-said").all_inner_texts()
    assert len(set(texts)) == 600
    await page.get_by_label("Least level").first.click()
    await page.get_by_role("option", name="Error or graver").click()
    await expect(page.locator(LINES)).to_have_count(4)  # the line without a level is one of them
    seen.clean()


@pytest.mark.promise(30)
async def test_hostile_lines_are_only_text(browser: Browser, suite: Suite) -> None:
    page, seen = await opened(browser, suite)
    page.on("dialog", lambda dialog: seen.errors.append(f"dialog: {dialog.message}"))
    for said in HOSTILE:
        await page.get_by_label("Search the logs").fill(said)
        await expect(page.locator(f"{LINES} .log-said").first).to_contain_text(f"{said} link=")
    assert await page.locator("#service_logs-lines").locator("img, script, a, iframe").count() == 0
    assert await page.title() == "Services · AI Trader"
    seen.clean()


async def test_unfolded_rows_and_the_scroll_stay_while_lines_and_states_come_in(browser: Browser, suite: Suite) -> None:
    page, seen = await opened(browser, suite)
    lines = page.locator("#service_logs-lines")
    await expect(page.locator(LINES)).to_have_count(200)
    await lines.evaluate("node => { node.scrollTop = 1500 }")
    top = "node.getBoundingClientRect().top"
    watched = await lines.evaluate(
        f"node => [...node.children].find(row => row.getBoundingClientRect().top > {top}).dataset.key"
    )
    place = f"node => node.querySelector('[data-key=\"{watched}\"]').getBoundingClientRect().top"
    before = await lines.evaluate(place)
    log(suite.folder, "scrolled", line("a new line on top"))
    await expect(page.locator(LINES).first).to_contain_text("a new line on top", timeout=10_000)
    assert abs(await lines.evaluate(place) - before) <= 2
    seen.clean()


async def test_a_dashboard_that_nobody_manages_says_so(browser: Browser, address: Address, tmp_path: Path) -> None:
    with dashboards(address, tmp_path, "system") as urls:
        page = await browser.new_page(viewport=DESKTOP)
        seen = watch(page)
        await page.goto(f"{urls['system']}/services")
        await expect(page.locator("#body-services")).to_contain_text("No process has reported yet", timeout=20_000)
        await expect(page.locator("#body-worker_jobs")).to_contain_text("No worker has reported yet")
        await expect(page.locator(LINES).filter(has_text="dashboard started")).to_be_visible(timeout=20_000)
        await picture(page, "services-alone")
        for path in (tmp_path / "logs" / "dashboards").iterdir():
            path.unlink()
        await page.reload()
        await expect(page.locator("#body-service_logs")).to_contain_text("No logs on this machine", timeout=20_000)
        await expect(page.locator("#service_logs-search")).to_be_hidden()
        log(tmp_path, "late", line("a log after all"))
        await expect(page.locator(LINES).first).to_contain_text("a log after all", timeout=30_000)
        seen.clean()


def test_the_api_searches_the_logs_too_and_names_what_is_wrong_with_a_question(suite: Suite) -> None:
    page = suite.json("system", "/api/reads/service_logs?text=cycle&service=hostile&limit=3")["value"]
    assert [each["service"] for each in page["lines"]] == ["hostile"] * 3
    older = suite.json("system", f"/api/reads/service_logs?text=cycle&limit=3&before={page['older']}")["value"]
    assert older["lines"][0]["event"] == "cycle 696"
    status, said = fetch(suite.url("system", "/api/reads/service_logs?level=loud&before=nonsense"))
    assert (status, b"level" in said) == (422, True)
