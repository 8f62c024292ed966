"""Notes and tags of a trade: written in one's own name, kept in every version, and no rebuild takes them away."""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from main.books.rebuild import rebuild
from main.clock import now
from main.database.pool import Database
from main.domain.scope import Scope
from main.domain.trade_notes import TradeNotes
from main.monitoring.api import annotating
from main.monitoring.hub import Hub
from main.monitoring.reads import trade, trades
from main.monitoring.reads.trade import TradeDetail, TradeId
from main.monitoring.reads.trades import TradesPage
from main.recording.intake import Intake
from main.recording.trade_notes import StaleNotes, write_notes
from main.security.viewer import Viewer
from tests.api_site import api_on
from tests.given import given_account, given_heartbeat, given_trade, insert
from tests.given_trades import asked_with
from tests.integration.test_books import EPOCH, fill_row, given_suite_account, mark_row
from tests.integration.test_hub import running_hub, until

NOTES = "/api/trades/notes"
ID = "A/my bot/a:1/<b>"
WRITTEN = {"id": ID, "notes": "As planned.\nNext time earlier.", "tags": ["reviewed", "late entry"], "revision": 0}


@pytest.fixture
async def api(database: Database, service: Database, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    await given_account(service)
    await given_trade(
        service,
        "5",
        now() - timedelta(minutes=5),
        source="my bot",
        source_id="a:1/<b>",
        notes="the bot's",
        tags=["auto"],
    )
    async with api_on(database, tmp_path) as client:
        yield client


async def put(api: httpx.AsyncClient, **given: Any) -> httpx.Response:
    return await api.put(NOTES, json=WRITTEN | given)


async def told(database: Database, scope: Scope | None = None, wanted: str = ID) -> TradeDetail:
    resolved = (scope or Scope(("A",), "1D")).resolved(now())
    found: TradeDetail | None = await asked_with(database, trade.READ, resolved, TradeId(wanted))
    assert found is not None
    return found


async def found_by(database: Database, tag: str, scope: Scope | None = None) -> list[str]:
    """The trades that have the tag, as the list and its summary say."""
    resolved = (scope or Scope(("A",), "1D")).resolved(now())
    page: trades.TradesFound = await asked_with(database, trades.READ, resolved, TradesPage(tag=tag))
    assert page.total == len(page.items)
    assert all(tag in item.tags for item in page.items)
    return [item.id for item in page.items]


async def test_notes_and_tags_are_written_in_the_name_of_who_wrote_them(
    api: httpx.AsyncClient, database: Database
) -> None:
    before = await told(database)
    assert (before.trade.notes, before.trade.tags, before.note) == ("the bot's", ["auto"], None)
    answer = await put(api)
    assert answer.status_code == 200, answer.text
    note = answer.json()["note"]
    assert (note["id"], note["revision"], note["written_by"]) == (ID, 1, "local")
    after = await told(database)
    assert (after.trade.notes, after.trade.tags) == (WRITTEN["notes"], WRITTEN["tags"])
    assert after.note is not None
    assert (after.note.revision, after.note.written_by) == (1, "local")
    assert after.trade.revision == 0, "the trade itself was not corrected"
    emptied = await put(api, notes="  ", tags=[], revision=1)
    assert emptied.status_code == 200
    after = await told(database)
    assert (after.trade.notes, after.trade.tags) == (None, [])


async def test_a_trade_is_found_by_the_tags_it_has_now(api: httpx.AsyncClient, database: Database) -> None:
    assert await found_by(database, "auto") == [ID]
    await put(api)
    assert await found_by(database, "auto") == []
    assert await found_by(database, "late entry") == [ID]
    old = f"{now() - timedelta(days=1):%Y-%m-%d}..{(now() - timedelta(minutes=1)).isoformat()}"
    assert await found_by(database, "reviewed", Scope(("A",), old)) == [ID], "the window ended before it was written"


async def test_a_past_moment_has_the_notes_of_that_moment(api: httpx.AsyncClient, database: Database) -> None:
    await put(api)
    first = now()
    await put(api, notes="Again.", tags=["second"], revision=1)
    for scope in (Scope(("A",), "1D", as_of=first), Scope(("A",), "1D", known_at=first)):
        assert (await told(database, scope)).trade.notes == WRITTEN["notes"]
        assert await found_by(database, "reviewed", scope) == [ID]
        assert await found_by(database, "second", scope) == []
    assert (await told(database)).trade.notes == "Again."
    earlier = Scope(("A",), "1D", as_of=first - timedelta(minutes=4))
    assert (await told(database, earlier)).trade.notes == "the bot's"


async def test_what_was_changed_meanwhile_is_not_written_over(api: httpx.AsyncClient, database: Database) -> None:
    await put(api)
    stale = await put(api, notes="mine")
    assert stale.status_code == 409
    assert stale.json()["present"]["notes"] == WRITTEN["notes"]
    assert "local has written other notes meanwhile" in stale.json()["detail"]
    assert (await told(database)).trade.notes == WRITTEN["notes"]
    again = await put(api, notes="mine", revision=stale.json()["present"]["revision"])
    assert again.status_code == 200
    assert (await told(database)).trade.notes == "mine"


async def test_the_same_words_said_again_are_no_new_version(api: httpx.AsyncClient, service: Database) -> None:
    for _ in range(3):
        assert (await put(api)).json()["note"]["revision"] == 1
    async with service.scoped() as connection:
        assert await connection.fetchval("SELECT count(*) FROM trade_notes") == 1


async def test_versions_are_never_changed(api: httpx.AsyncClient, service: Database, database: Database) -> None:
    await put(api)
    for statement in ("UPDATE trade_notes SET notes = 'x'", "DELETE FROM trade_notes"):
        for who in (service, database):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with who.scoped(["A"]) as connection:
                    await connection.execute(statement)


async def test_a_correction_of_the_trade_keeps_what_people_wrote(
    api: httpx.AsyncClient, service: Database, database: Database
) -> None:
    await put(api)
    at = (await told(database)).trade.exit_time
    await given_trade(service, "7", at, source="my bot", source_id="a:1/<b>", revision=1, notes="the bot again")
    after = await told(database)
    assert (after.trade.pnl, after.trade.revision, after.trade.notes) == (Decimal(7), 1, WRITTEN["notes"])


async def test_a_rebuild_of_the_books_keeps_what_people_wrote(service: Database, database: Database) -> None:
    name = await given_suite_account(service)
    for table, row in (
        fill_row(name, 1, 0, "buy 1", 100),
        fill_row(name, 2, 10, "sell 1", 110),
        mark_row(name, 10, 110),
    ):
        await insert(service, table, [row])
    await rebuild(service, name, EPOCH)
    scope = Scope((name,), "All").resolved(now())
    [before] = (await asked_with(database, trades.READ, scope, TradesPage())).items
    await written_about(database, before.id)
    table, corrected = fill_row(name, 2, 10, "sell 1", 120, revision=1)
    await insert(service, table, [corrected])
    assert (await rebuild(service, name, EPOCH)).changed
    scope = Scope((name,), "All").resolved(now())
    [after] = (await asked_with(database, trades.READ, scope, TradesPage(tag="kept"))).items
    assert (after.id, after.notes, after.revision) == (before.id, "ours", 1)
    assert after.pnl == before.pnl + 10


async def written_about(database: Database, trade_id: str) -> None:
    intake = Intake(database.address)
    try:

        async def write(writer: Any) -> Any:
            return await write_notes(
                writer, TradeId(trade_id).candidates, TradeNotes("ours", ("kept",)), revision=0, by="ann"
            )

        assert await intake.lent(write) is not None
    finally:
        await intake.close()


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"notes": "x" * 2001}, "notes"),
        ({"notes": "a\0b"}, "notes"),
        ({"notes": 7}, "notes"),
        ({"tags": [f"t{n}" for n in range(21)]}, "tags"),
        ({"tags": ["x" * 41]}, "tags"),
        ({"tags": ["two\nlines"]}, "tags"),
        ({"tags": "one"}, "tags"),
        ({"revision": -1}, "revision"),
        ({"revision": True}, "revision"),
        ({"id": "A/x"}, "id"),
        ({"id": None}, "id"),
    ],
)
def test_what_cannot_be_written_is_refused_by_its_name(given: dict[str, Any], named: str) -> None:
    import orjson

    from main.errors import ConfigurationError

    with pytest.raises(ConfigurationError) as refused:
        annotating._told(orjson.dumps(WRITTEN | given))
    assert [each.key for each in refused.value.problems] == [named]


async def test_a_wrong_body_a_wrong_kind_and_an_unknown_trade_are_refused(api: httpx.AsyncClient) -> None:
    assert (await put(api, notes="x" * 2001)).status_code == 422
    assert (await api.put(NOTES, content="{", headers={"content-type": "application/json"})).status_code == 422
    assert (await api.put(NOTES, data={"id": ID})).status_code == 415, "a form of another site sends nothing else"
    assert (await api.put(NOTES, json=WRITTEN, headers={"origin": "http://evil.test"})).status_code == 403
    for unknown in ("A/my bot/2", "B/my bot/1"):
        assert (await put(api, id=unknown)).status_code == 404


async def test_only_operators_write_and_only_about_accounts_they_may_see(
    api: httpx.AsyncClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for viewer, status in (
        (Viewer("ann", "viewer"), 403),
        (Viewer("ben", "operator", ("B",)), 404),
        (Viewer("eve", "operator", ("A",)), 200),
    ):

        async def identify(self: Any, scope: Any, who: Viewer = viewer) -> Viewer:
            return who

        monkeypatch.setattr("main.security.identity.OpenOnLoopback.identify", identify)
        assert (await put(api)).status_code == status
        note = (await told(database)).note
        assert (note is not None) is (status == 200)


async def test_every_page_that_shows_the_trade_hears_of_it(api: httpx.AsyncClient, database: Database) -> None:
    async with running_hub(database) as hub:
        assert isinstance(hub, Hub)
        watched = hub.watch(trade.READ, Scope(("A",), "1D"), lambda: None, TradeId(ID))
        await until(lambda: watched.answer is not None and watched.answer.value is not None)
        await put(api)
        await until(lambda: watched.answer is not None and watched.answer.value.trade.notes == WRITTEN["notes"])


async def test_a_replayed_trade_is_written_about_in_the_time_of_its_account(
    service: Database, database: Database
) -> None:
    then = now() - timedelta(days=900)
    await given_account(service, "R", clock="replay")
    await given_heartbeat(service, then, "R")
    await given_trade(service, 1, then - timedelta(hours=1), "R", source="s", source_id="1")
    intake = Intake(database.address)
    try:

        async def written(writer: Any) -> Any:
            return await write_notes(writer, ("R", ["s"], ["1"]), TradeNotes("x"), revision=0, by="ann")

        note = await intake.lent(written)
        assert note.at == then
        with pytest.raises(StaleNotes):
            await intake.lent(lambda writer: write_notes(writer, ("R", ["s"], ["1"]), TradeNotes(), revision=0, by="b"))
    finally:
        await intake.close()
    resolved = Scope(("R",), "1D").resolved(then)
    found: TradeDetail = await asked_with(database, trade.READ, resolved, TradeId("R/s/1"))
    assert found.trade.notes == "x"
