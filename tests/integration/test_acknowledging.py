"""Whoever takes on an alert is named, once; it is told to every page; nobody takes on what they may not see."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from main.clock import now
from main.database.pool import Database
from main.domain.scope import Scope
from main.monitoring.read import read_named
from main.recording.acknowledgement import acknowledge
from main.recording.intake import Intake
from tests.given import given_account
from tests.integration.test_api import Site, site_on
from tests.integration.test_hub import running_hub, until

TAKE = "/api/alerts/acknowledge"


@pytest.fixture
async def site(database: Database, service: Database) -> AsyncIterator[Site]:
    await given_account(service)
    await given_account(service, "B")
    async with site_on(database) as running:
        yield running


async def given_alert(service: Database, alert_id: str, account: str | None = "A", **given: Any) -> None:
    values: dict[str, Any] = {"fired_at": now() - timedelta(minutes=5), "resolved_at": None} | given
    async with service.scoped() as connection:
        await connection.execute(
            "INSERT INTO alerts (alert_id, account_id, rule, severity, title, details, fired_at, resolved_at, at) "
            "VALUES ($1, $2, 'daily_loss', 'critical', 'Daily loss', '', $3, $4, $3)",
            alert_id,
            account,
            values["fired_at"],
            values["resolved_at"],
        )


async def taken(service: Database, alert_id: str) -> tuple[str | None, datetime | None]:
    async with service.scoped() as connection:
        row = await connection.fetchrow(
            "SELECT acknowledged_by, acknowledged_at FROM alerts WHERE alert_id = $1", alert_id
        )
    assert row is not None
    return row["acknowledged_by"], row["acknowledged_at"]


async def post(site: Site, body: object) -> httpx.Response:
    return await site.client.post(TAKE, json=body)


async def test_an_alert_is_taken_on_once_in_the_name_of_who_was_first(site: Site, service: Database) -> None:
    await given_alert(service, "loss/A", None)
    first = await post(site, {"alert_id": "loss/A"})
    assert first.status_code == 200, first.text
    name = first.json()["alert"]["acknowledged_by"]
    assert name
    before = await taken(service, "loss/A")
    assert before[0] == name
    again = await post(site, {"alert_id": "loss/A"})
    assert again.status_code == 200
    assert await taken(service, "loss/A") == before


async def test_what_is_over_needs_nobody(site: Site, service: Database) -> None:
    await given_alert(service, "over", "A", resolved_at=now())
    assert (await post(site, {"alert_id": "over"})).status_code == 200
    assert await taken(service, "over") == (None, None)


@pytest.mark.parametrize(
    "body", [{}, [], {"alert_id": ""}, {"alert_id": 7}, {"alert_id": "a" * 1001}, {"alert_id": "a\0b"}, "text"]
)
async def test_a_body_that_names_no_alert_is_refused_by_name(site: Site, body: object) -> None:
    answer = await post(site, body)
    assert answer.status_code == 422
    assert "alert_id" in answer.json()["detail"]


async def test_an_alert_that_is_not_there_is_not_found(site: Site) -> None:
    assert (await post(site, {"alert_id": "nobody knows"})).status_code == 404


async def test_nobody_takes_on_the_alert_of_an_account_they_may_not_see(site: Site, service: Database) -> None:
    await given_alert(service, "of B", "B")
    intake = Intake(service.address)
    try:

        async def as_one_who_sees_a(writer: Any) -> Any:
            return await acknowledge(writer, "of B", "anna", ["A"])

        assert await intake.lent(as_one_who_sees_a) is None
    finally:
        await intake.close()
    assert await taken(service, "of B") == (None, None)


async def test_every_page_that_shows_alerts_hears_of_it(site: Site, service: Database, database: Database) -> None:
    await given_alert(service, "loss")
    scope = Scope(("A", "B"), "1D")
    async with running_hub(database) as hub:
        watched = hub.watch(read_named("alerts"), scope, lambda: None)
        await until(lambda: watched.answer is not None and bool(watched.answer.value))
        assert watched.answer is not None
        assert watched.answer.value.items[0].state == "open"
        assert (await post(site, {"alert_id": "loss"})).status_code == 200
        await until(lambda: watched.answer is not None and watched.answer.value.items[0].state == "acknowledged")


async def test_a_replayed_alert_is_taken_on_in_the_time_of_its_account(site: Site, service: Database) -> None:
    fired = datetime.fromisoformat("2012-03-05T15:00:00+00:00")
    await given_account(service, "R", clock="replay")
    async with service.scoped() as connection:
        await connection.execute(
            "INSERT INTO bot_heartbeats (account_id, source, source_id, at, status, interval_seconds, cycle_count, "
            "uptime_seconds) VALUES ('R', 's', '1', $1, 'running', 1, 1, 1)",
            fired + timedelta(hours=2),
        )
    await given_alert(service, "then", "R", fired_at=fired)
    assert (await post(site, {"alert_id": "then"})).status_code == 200
    assert (await taken(service, "then"))[1] == fired + timedelta(hours=2)
