"""Every read of a past moment says what was said then, and none says anything of an account that is not asked about."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from main.database.pool import Database
from main.domain.scope import Scope
from main.monitoring.read import reads
from tests.given import HOUR, MOMENT, given_account, given_alert, live, past
from tests.given_history import (
    database_time,
    given_future,
    given_late_news,
    given_market,
    given_trading,
    learned_at_once,
)

OF_THE_SUITE = {"services", "worker_jobs", "database_status", "host_history", "host", "uptime"}
"""They tell of the machine, or have no past by their definition; the past of uptime ends with the day before."""

ASKED = [read for read in reads().values() if read.source == "sql" and read.name not in OF_THE_SUITE]
BY_THE_DATABASES_CLOCK = {"pipelines", "bots", "feeds", "account_summary", "data_quality"}
"""Live, these tell silence by the database's clock."""


OTHERWISE: dict[str, tuple[dict[str, Any], ...]] = {
    "orders": ({"state": "all"}, {"state": "ended", "sort": "-quantity"}),
    "order_events": ({"kind": "rejected"}, {"sort": "symbol"}),
    "slippage": ({"by": "hour"}, {"by": "account"}),
    "shortfall": ({"by": "all", "orders": "all"}, {"by": "size"}),
    "markouts": ({"by": "side"},),
    "latency": ({"by": "liquidity"},),
    "liquidity": ({"by": "account"},),
    "rejects": ({"by": "symbol"},),
    "exposure": ({"by": "account"},),
    "candles": ({"interval": "1d"},),
    "alerts": ({"state": "open"}, {"sort": "-duration_seconds"}),
    "volatility": ({"points": 5},),
    "risk_factor": ({"account": "A"},),
}
"""Params that are asked for besides the defaults."""


async def answers(database: Database, scope: Scope, visible: Sequence[str] | None = None) -> dict[str, Any]:
    found = {}
    for read in ASKED:
        if read.params is not None and read.defaults is None:
            continue
        async with database.scoped(visible or scope.accounts) as connection:
            found[read.name] = await read.fetch(connection, scope)
            for params in OTHERWISE.get(read.name, ()):
                assert read.params is not None
                found[f"{read.name} {params}"] = await read.fetch(connection, scope, read.params(**params))
    return found


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Names of reads, with what they said one time and the other."""
    return [f"{name}: {one[name]}\n  is not: {other[name]}" for name in one if one[name] != other[name]]


async def test_a_past_moment_is_told_as_it_was_whatever_happened_since(service: Database, database: Database) -> None:
    start = await database_time(service)
    await given_account(service, daily_loss_limit=100, position_limit=1000)
    await given_market(service)
    await given_trading(service)
    await learned_at_once(service, start)
    then = await answers(database, past(MOMENT, window="1M"))
    shown = await answers(database, past(MOMENT, window="1M", known_at=MOMENT))
    now = await answers(database, live(window="1M"))
    assert not differences(then, shown)
    assert not differences({k: v for k, v in then.items() if k not in BY_THE_DATABASES_CLOCK}, now)
    turn = await database_time(service)
    await given_future(service)
    await learned_at_once(service, turn)
    assert not differences(then, await answers(database, past(MOMENT, window="1M")))
    assert not differences(shown, await answers(database, past(MOMENT, window="1M", known_at=MOMENT)))


async def test_what_was_learned_later_is_not_among_what_was_known_then(service: Database, database: Database) -> None:
    start = await database_time(service)
    await given_account(service, daily_loss_limit=100, position_limit=1000)
    await given_market(service)
    await given_trading(service)
    await learned_at_once(service, start)
    shown = await answers(database, past(MOMENT, window="1M", known_at=MOMENT))
    await given_late_news(service)
    assert not differences(shown, await answers(database, past(MOMENT, window="1M", known_at=MOMENT)))
    told = differences(shown, await answers(database, past(MOMENT, window="1M", known_at=MOMENT + 2 * HOUR)))
    assert {"slippage", "liquidity", "rejects", "order_events", "spread_history", "activity"} <= {
        each.split(":")[0] for each in told
    }


async def test_an_alert_that_was_deleted_since_was_open_then(service: Database, database: Database) -> None:
    start = await database_time(service)
    await given_account(service)
    await given_alert(service, "gone", MOMENT - HOUR, account_id="A", alert_id="gone")
    await learned_at_once(service, start)
    start = await database_time(service)
    async with service.scoped() as connection:
        await connection.execute("DELETE FROM alerts")
        deleted = "UPDATE alerts_history SET changed_at = $1 WHERE changed_at > $2"
        await connection.execute(deleted, MOMENT, start)
    for read in ("alerts", "open_alerts"):
        async with database.scoped(("A",)) as connection:
            then = await reads()[read].fetch(connection, past(MOMENT - HOUR / 2))
            after = await reads()[read].fetch(connection, past(MOMENT))
        assert [len(getattr(value, "items", value)) for value in (then, after)] == [1, 0]


async def test_no_read_tells_of_an_account_that_is_not_asked_about(service: Database, database: Database) -> None:
    await given_account(service, daily_loss_limit=100, position_limit=1000)
    await given_market(service)
    await given_trading(service)
    alone = {moment: await answers(database, scope) for moment, scope in _moments().items()}
    await given_account(service, "B", source="other", currency="EUR", daily_loss_limit=1, position_limit=1)
    await given_market(service, "other", "SECRET", shift=3)
    await given_trading(service, "B", "SECRET", size=50)
    for moment, scope in _moments().items():
        assert not differences(alone[moment], await answers(database, scope))
    # Nor where a viewer names an account that is not among his own.
    for moment, scope in _moments("A", "B").items():
        found = await answers(database, scope, visible=("A",))
        assert not differences(alone[moment], found)


def _moments(*accounts: str) -> dict[str, Scope]:
    accounts = accounts or ("A",)
    return {
        "live": live(*accounts, window="1M"),
        "past": past(MOMENT, *accounts, window="1M"),
    }


async def test_an_account_of_which_nothing_is_recorded_has_answers(service: Database, database: Database) -> None:
    await given_account(service)
    for scope in (live(window="All"), past(MOMENT), past(MOMENT, known_at=MOMENT), live(window="15m", strategy="none")):
        found = await answers(database, scope)
        assert not [name for name, value in found.items() if _zeros_for_unknown(value)]


def _zeros_for_unknown(value: Any) -> list[str]:
    """Basis points, ratios and prices that are 0 although nothing is recorded."""
    found: list[str] = []
    for row in value if isinstance(value, (list, tuple)) else [value]:
        if is_dataclass(row):
            for each in fields(row):
                if each.name in {"bps", "mid_price", "volatility", "momentum", "drift", "accuracy"}:
                    figure = getattr(row, each.name)
                    if getattr(figure, "value", figure) == 0:
                        found.append(each.name)
    return found
