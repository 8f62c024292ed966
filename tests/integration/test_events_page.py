"""Events and the audit trail: found by gravity, text and kind, checked, and nobody else's among them."""

from datetime import timedelta

import asyncpg
import pytest

from main.clock import now
from main.database.address import Address
from main.database.pool import Database
from main.errors import AccessDenied
from main.monitoring.reads import audit, event_counts, system_events
from main.security.viewer import Viewer
from tests.conftest import administrator
from tests.given import HOUR, MINUTE, MOMENT, asked, given_account, given_event, insert, live, past
from tests.given_market import asked_with


async def test_the_gravest_events_come_first_and_filters_narrow_them(service: Database, database: Database) -> None:
    await given_account(service)
    await given_event(service, "start", "info", MOMENT - 3 * MINUTE)
    await given_event(service, "cycle", "debug", MOMENT - MINUTE)
    await given_event(service, "crash", "error", MOMENT - 2 * HOUR, account_id="A", details='{"trace": "Needle in it"}')
    await given_event(service, "slow", "warning", MOMENT - 2 * MINUTE, source="feed")
    page = await asked(database, system_events.READ, live())
    assert [each.kind for each in page.items] == ["crash", "slow", "start", "cycle"]
    assert (page.items[0].account, page.items[0].label, page.items[0].details) == (
        "A",
        "Account A",
        {"trace": "Needle in it"},
    )
    assert page.summary == system_events.EventCounts(4, critical=0, error=1, warning=1, info=1, debug=1)

    async def kinds(**params: object) -> list[str]:
        return [each.kind for each in (await asked_with(database, system_events.READ, live(), **params)).items]

    assert await kinds(sort="-at") == ["cycle", "slow", "start", "crash"]
    assert await kinds(level="warning") == ["crash", "slow"]
    assert await kinds(text="NEEDLE") == ["crash"]
    assert await kinds(text="100%") == []
    assert await kinds(kind="slow") == await kinds(source="feed") == ["slow"]
    assert await kinds(account="A") == ["crash"]
    assert await kinds(limit=1, offset=1) == ["slow"]
    with pytest.raises(ValueError, match="expected one of"):
        await kinds(level="grave")


async def test_a_correction_stands_for_its_event_and_the_past_knows_none(service: Database, database: Database) -> None:
    await given_account(service)
    await given_event(service, "first", "error", MOMENT - HOUR, source_id="x")
    await given_event(service, "mended", "info", MOMENT - HOUR, source_id="x", revision=1, recorded_at=MOMENT - MINUTE)
    page = await asked(database, system_events.READ, live())
    assert [each.kind for each in page.items] == ["mended"]
    then = await asked(database, system_events.READ, past(MOMENT - MINUTE * 30, known_at=MOMENT - MINUTE * 30))
    assert [each.kind for each in then.items] == ["first"]
    buckets = (await asked(database, event_counts.READ, live())).buckets
    assert [(bucket.errors, bucket.others) for bucket in buckets] == [(0, 1)]


async def test_events_are_counted_by_stretches_of_the_window(service: Database, database: Database) -> None:
    await given_account(service)
    for minutes, severity in ((1, "error"), (2, "critical"), (3, "warning"), (200, "info"), (201, "debug")):
        await given_event(service, "x", severity, MOMENT - minutes * MINUTE - timedelta(seconds=1))
    course = await asked_with(database, event_counts.READ, live(window="6h"), points=6)
    assert [(each.errors, each.warnings, each.others) for each in course.buckets] == [(0, 0, 2), (2, 1, 0)]
    assert course.width_seconds == 3600


@pytest.mark.promise(29)
async def test_events_of_another_account_are_not_among_them(service: Database, database: Database) -> None:
    for account in ("A", "B"):
        await given_account(service, account)
        await given_event(service, f"of {account}", "error", MOMENT - MINUTE, account_id=account)
    async with database.scoped(("A",)) as connection:
        page = await system_events.READ.fetch(connection, live("A", "B"))
        course = await event_counts.READ.fetch(connection, live("A", "B"))
    assert [each.kind for each in page.items] == ["of A"]
    assert sum(bucket.errors for bucket in course.buckets) == 1


async def given_entries(service: Database, *actions: str, **given: object) -> None:
    for action in actions:
        row = {"action": action, "outcome": "done", "user_name": "jo", "at": MOMENT}
        await insert(service, "audit_logs", [row | {"entry": 0, "previous_hash": b"", "hash": b""} | given])


async def test_the_audit_trail_is_shown_and_every_entry_checked(
    service: Database, database: Database, address: Address
) -> None:
    await given_entries(service, "login", "read")
    await given_entries(service, "login", outcome="denied", address="10.0.0.7", target="<img src=x>")
    scope = live(moment=now() + MINUTE)
    page = await asked(database, audit.READ, scope)
    assert [(each.entry, each.action, each.outcome, each.intact) for each in page.items] == [
        (3, "login", "denied", True),
        (2, "read", "done", True),
        (1, "login", "done", True),
    ]
    assert (page.items[0].address, page.items[0].target) == ("10.0.0.7", "<img src=x>")
    assert page.summary == audit.AuditCounts(3, done=2, denied=1, failed=0)
    found = await asked_with(database, audit.READ, scope, text="10.0.0", outcome="denied")
    assert [each.entry for each in found.items] == [3]
    superuser: asyncpg.Connection = await administrator(address)
    try:
        await superuser.execute("UPDATE audit_logs SET user_name = 'mallory' WHERE entry = 2")
    finally:
        await superuser.close()
    page = await asked(database, audit.READ, scope)
    assert [each.intact for each in page.items] == [True, False, True]


def test_only_who_may_see_every_account_may_ask_for_the_audit_trail() -> None:
    with pytest.raises(AccessDenied, match="only some"):
        audit.READ.allow(Viewer("jo", "viewer", ("A",)))


async def test_nothing_recorded_is_no_error(database: Database) -> None:
    for read in (system_events.READ, audit.READ):
        page = await asked(database, read, live())
        assert (page.items, page.total) == ([], 0)
    assert (await asked(database, event_counts.READ, live())).buckets == []
