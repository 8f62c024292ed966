"""Named values of bots appear by themselves: listed, as a series, under their names, and only to who may see them."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from main.database.pool import Database
from main.domain.scope import Scope
from main.monitoring.reads import custom_metric, custom_metrics
from tests.given import HOUR, MINUTE, MOMENT, asked, given_account, insert, live, past
from tests.given_market import asked_with

HOSTILE = ("<img src=x onerror=alert(1)>", "'; DROP TABLE custom_metrics; --", "a/b?c=d&e", "=HYPERLINK(1)", "n" * 200)


async def given_metric(
    service: Database, name: str, *values: object, account: str | None = "A", every: timedelta = MINUTE, **given: Any
) -> None:
    """Values, the last at `MOMENT`."""
    rows = [
        {"source": "bot", "name": name, "account_id": account, "at": at, "recorded_at": at, "value": value}
        | {"unit": "orders"}
        | given
        for place, value in enumerate(values)
        if (at := MOMENT - every * (len(values) - 1 - place))
    ]
    await insert(service, "custom_metrics", rows)


async def test_the_newest_value_of_every_name_is_listed_with_its_course(service: Database, database: Database) -> None:
    await given_account(service)
    await given_metric(service, "queue", *range(60))
    await given_metric(service, "queue", 7, account=None)
    await given_metric(service, "other", "0.25", source="second", unit="fraction")
    await given_metric(service, "old", 1, 1, every=5 * HOUR)
    rows = await asked(database, custom_metrics.READ, live(window="1h"))
    assert [(row.name, row.account, row.source, row.value, row.unit, row.at) for row in rows] == [
        ("old", "A", "bot", 1, "orders", MOMENT),
        ("other", "A", "second", Decimal("0.25"), "fraction", MOMENT),
        ("queue", None, "bot", 7, "orders", MOMENT),
        ("queue", "A", "bot", 59, "orders", MOMENT),
    ]
    assert rows[3].recent == [float(value) for value in range(1, 60, 2)]
    assert rows[3].label == "Account A"
    assert rows[0].recent == [None] * 29 + [1.0]


async def test_a_series_has_the_extremes_of_its_buckets_and_the_highest_revision(
    service: Database, database: Database
) -> None:
    await given_account(service)
    await given_metric(service, "queue", *(place % 10 for place in range(600)), every=timedelta(seconds=1))
    await given_metric(service, "queue", 99, revision=1)
    points = await asked_with(database, custom_metric.READ, live(window="1h"), metric="queue", points=60)
    assert 10 <= len(points) <= 11
    assert (points[1].low_value, points[1].high_value, points[1].mean_value) == (0, 9, 4.5)
    assert (points[-1].value, points[-1].high_value) == (99, 99)
    assert custom_metric.READ.scalar is not None
    assert custom_metric.READ.scalar(points) == 99
    assert await asked_with(database, custom_metric.READ, live(window="1h"), metric="nobody") == []
    assert await asked(database, custom_metric.READ, live()) == []


async def test_the_past_knows_what_was_told_then(service: Database, database: Database) -> None:
    await given_account(service)
    await given_metric(service, "queue", *range(10))
    await given_metric(service, "late", 5, at=MOMENT - 30 * MINUTE)
    scope = past(MOMENT - 5 * MINUTE, window="1h", known_at=MOMENT - 5 * MINUTE)
    assert [(row.name, row.value) for row in await asked(database, custom_metrics.READ, scope)] == [("queue", 4)]
    (last,) = await asked_with(database, custom_metric.READ, scope, metric="queue", points=2)
    assert last.value == 4


@pytest.mark.promise(29)
async def test_a_metric_of_an_account_is_only_for_who_may_see_it(service: Database, database: Database) -> None:
    for account in ("A", "B"):
        await given_account(service, account)
        await given_metric(service, "queue", 1, account=account)
        await given_metric(service, f"own of {account}", 1, account=account)
    await given_metric(service, "of nobody", 3, account=None)

    async def seen(scope: Scope) -> list[tuple[str, str | None]]:
        async with database.scoped(("A",)) as connection:
            return [(row.name, row.account) for row in await custom_metrics.READ.fetch(connection, scope)]

    mine = [("of nobody", None), ("own of A", "A"), ("queue", "A")]
    assert await seen(live("A")) == mine
    assert await seen(live("A", "B")) == mine
    async with database.scoped(("A",)) as connection:
        asked_of = custom_metric.MetricParams(metric="queue", account="B")
        assert await custom_metric.READ.fetch(connection, live("A", "B"), asked_of) == []
        assert len(
            await custom_metric.READ.fetch(connection, live("A", "B"), custom_metric.MetricParams(metric="queue"))
        )
    points = await asked_with(database, custom_metric.READ, live("A", "B"), metric="queue")
    assert {point.account for point in points} == {"A", "B"}


async def test_names_are_texts_whatever_stands_in_them(service: Database, database: Database) -> None:
    await given_account(service)
    for name in HOSTILE:
        await given_metric(service, name, 1)
    rows = await asked(database, custom_metrics.READ, live())
    assert {row.name for row in rows} == set(HOSTILE)
    for name in HOSTILE:
        assert len(await asked_with(database, custom_metric.READ, live(), metric=name)) == 1


async def test_a_bot_with_names_without_end_fills_no_page_and_hides_nobody_elses(
    service: Database, database: Database
) -> None:
    await given_account(service)
    await insert(
        service,
        "custom_metrics",
        [
            {"source": "a", "name": f"{n:05d}", "account_id": "A", "at": MOMENT, "recorded_at": MOMENT, "value": n}
            for n in range(500)
        ],
    )
    await given_metric(service, "queue", 1, source="b")
    rows = await asked(database, custom_metrics.READ, live())
    assert len(rows) == custom_metrics.MOST + 1
    assert rows[-1].name == "queue"
