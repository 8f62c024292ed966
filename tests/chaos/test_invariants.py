"""Those who watch a suite under stress see what is wrong: each invariant, broken on purpose, is a complaint."""

import json
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import orjson
import pytest

from main.monitoring.dashboards.v2.probe import Reply
from tests.chaos.complaints import Complaints
from tests.chaos.ledger import _compared, _gaps, _logged
from tests.chaos.pages import SWEEP, Page
from tests.chaos.pollers import Asked, Bot, Lag
from tests.chaos.resources import Look, Resources
from tests.chaos.writes import Writing


def world(**more: Any) -> Any:
    proxy = SimpleNamespace(answered_at=time.time())
    return SimpleNamespace(proxy=proxy, afflicted=set(), bot_kills=[], **more)


def iso(age: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=age)).isoformat().replace("+00:00", "Z")


def update(*, age: float = 0.2, state: str = "live", error: str | None = None, **fresh: Any) -> bytes:
    """What a dashboard sends of every panel of the trading page, at the moment, as old as `age`."""
    told = {"state": state, "as_of": iso(age), "moment": iso(0), "expected_seconds": 60.0, "silent_at": None}
    panel = {"version": 1, "freshness": {**told, "detail": "", **fresh}, "error": error}
    names = Page(world(), Complaints(), "trading").names
    return orjson.dumps({"type": "update", "panels": dict.fromkeys(names, panel)})


def page_that_heard(*messages: bytes, **options: Any) -> Page:
    page = Page(options.pop("world", world()), Complaints(), "trading", **options)
    page.connected = True
    for each in messages:
        page._heard(each)
    return page


def broken(complaints: Complaints) -> set[str]:
    return {each.invariant for each in complaints.found}


def test_a_page_that_is_live_with_new_facts_is_right() -> None:
    page = page_that_heard(update(age=3), update(age=1))
    assert page.complaints.found == []
    assert page.wrong(time.time() - 2, frozenset(page.badged)) == []


@pytest.mark.parametrize(
    "message",
    [update(age=61), update(as_of=None), update(error="it failed"), update(age=-3600)],
    ids=["too old", "no time", "an error", "in the future"],
)
def test_live_on_what_is_not_is_an_unlabelled_stale_panel(message: bytes) -> None:
    assert broken(page_that_heard(message).complaints) == {"no unlabelled stale panel"}


def test_facts_from_after_the_database_last_answered_anybody_are_made_up() -> None:
    silent = world()
    silent.proxy.answered_at -= 10
    assert broken(page_that_heard(update(age=1), world=silent).complaints) == {"no unlabelled stale panel"}


@pytest.mark.parametrize("state", ["late", "stale", "silent", "unreachable", "error"])
def test_what_is_labelled_as_not_live_is_no_lie_but_not_right_either(state: str) -> None:
    page = page_that_heard(update(state=state, age=400))
    assert page.complaints.found == []
    assert len(page.wrong(time.time() - 1000, frozenset())) == len(page.badged)


def test_a_page_is_not_right_without_connection_answer_or_new_facts() -> None:
    page = page_that_heard(update(age=5))
    assert page.wrong(time.time() - 10, frozenset(page.badged)) == []
    assert page.wrong(time.time() - 1, frozenset({"equity"}))[0].startswith("trading page, equity: 5.")
    assert page.wrong(time.time(), frozenset()) == []  # what is rarely announced may be as old as the sweep
    page = page_that_heard(update(age=SWEEP + 2))
    assert len(page.wrong(time.time(), frozenset())) == len(page.badged)
    page.connected = False
    assert page.wrong(0.0, frozenset()) == ["trading page: no connection"]
    assert "never answered" in page_that_heard().wrong(0.0, frozenset())[0]


def test_what_another_account_owns_is_seen_in_any_message() -> None:
    page = page_that_heard(update(note="SECRET-ACCOUNT"), foreign=(b"SECRET-ACCOUNT",))
    assert "nothing of another account" in broken(page.complaints)


@pytest.mark.parametrize(
    ("status", "document", "invariant"),
    [
        (500, {}, "an answer, or 503 with the reason, never an error of ours"),
        (200, {"error": "lost", "state": "live", "accounts": ["A"]}, "no unlabelled stale answer"),
        (200, {"error": None, "state": "live", "accounts": ["A", "B"]}, "nothing of another account"),
    ],
)
def test_a_wrong_answer_over_rest_is_seen(status: int, document: dict[str, Any], invariant: str) -> None:
    asked = Asked(world(), Complaints(), "trading")
    asked._check(Reply(status, json.dumps(document).encode(), 0.1), "/api/reads/equity", 1.0, "B")
    assert broken(asked.complaints) == {invariant}


def test_a_good_answer_and_a_503_are_no_complaint_and_only_the_first_is_right() -> None:
    asked = Asked(world(), Complaints(), "trading")
    asked._check(Reply(503, b"{}", 0.1), "", 5.0, "B")
    assert asked.right_at == 0.0
    asked._check(Reply(200, b'{"error": null, "state": "live", "accounts": ["A"]}', 0.1), "", 5.0, "B")
    assert asked.right_at == 5.0
    assert asked.complaints.found == []


def bot_that_said(**status: Any) -> Bot:
    bot = Bot(world(), Complaints(), Lag(), "A", 1)
    bot.status = {"cycles": 1, "cycle_seconds": 0.01, "errors": 0, "recorder": {"dropped": {}}, **status}
    return bot


@pytest.mark.parametrize(
    ("status", "invariant"),
    [
        ({"cycle_seconds": 3.0}, "the bot is untouched"),
        ({"errors": 1, "last_error": "boom"}, "the bot is untouched"),
        ({"recorder": {"dropped": {"buffer_full": 3}}}, "nothing is lost"),
    ],
)
def test_a_bot_that_suffers_is_seen(status: dict[str, Any], invariant: str) -> None:
    bot = bot_that_said(**status)
    bot._check()
    assert broken(bot.complaints) == {invariant}


def test_a_bot_whose_loop_stands_still_is_seen() -> None:
    bot = bot_that_said()
    bot._check()
    assert bot.complaints.found == []
    bot.advanced_at -= 60
    bot._check()
    assert broken(bot.complaints) == {"the bot is untouched"}


@pytest.mark.parametrize(
    ("answer", "stored", "complained"),
    [
        (httpx.Response(200, json={"accepted": 3, "duplicates": 2}), True, False),
        (httpx.Response(503, headers={"Retry-After": "2"}), False, False),
        (httpx.Response(503), False, True),
        (httpx.Response(200, json={"accepted": 3, "duplicates": 1}), False, True),
        (httpx.Response(500), False, True),
        (httpx.ConnectError("refused"), False, False),
        (httpx.ReadTimeout("nothing"), False, True),
    ],
)
async def test_a_write_is_stored_or_put_off_in_order_and_anything_else_is_seen(
    answer: httpx.Response | Exception, stored: bool, complained: bool
) -> None:
    async def answered(*_: Any, **__: Any) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    writing = Writing(world(), Complaints())
    assert await writing._stored(SimpleNamespace(post=answered), "", b"", ["1-0"]) is stored
    assert writing.acknowledged == ({"1-0"} if stored else set())
    assert bool(writing.complaints.found) is complained


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (["1-0", "1-1"], []),
        (["1-0"], ["1 of 2 writes that were acknowledged, such as 1-1"]),
        (["1-0", "1-1", "1-1"], ["1 writes are there twice"]),
    ],
)
async def test_a_write_that_was_acknowledged_is_there_once(rows: list[str], told: list[str]) -> None:
    async def connect() -> Any:
        async def fetch(*_: Any) -> list[dict[str, str]]:
            return [{"source_id": each} for each in rows]

        return SimpleNamespace(fetch=fetch, terminate=lambda: None)

    writing = Writing(world(server=SimpleNamespace(connect=connect)), Complaints(), {"1-0", "1-1"})
    assert await writing.differences() == told


AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
FILLS = [(AT + timedelta(seconds=n), "order", Decimal(n)) for n in range(5)]


def test_books_that_agree_have_no_difference() -> None:
    assert _compared("fills", FILLS, list(FILLS), []) == []


def test_a_fact_that_is_missing_too_much_or_doubled_is_a_difference() -> None:
    assert "1 of 5 lost" in _compared("fills", FILLS, FILLS[:-1], [])[0]
    assert "1 of 6 the bot knows nothing of" in _compared("fills", FILLS, [*FILLS, FILLS[0]], [])[0]
    assert _compared("fills", [], [], []) == ["fills: nothing is in the database"]


def test_only_what_a_killed_bot_did_in_its_last_second_may_be_lost() -> None:
    kill = FILLS[4][0].timestamp() + 0.5
    assert _compared("fills", FILLS, FILLS[:4], [kill]) == []
    assert "1 of 5 lost" in _compared("fills", FILLS, FILLS[:3] + FILLS[4:], [kill])[0]


def test_a_heartbeat_that_is_missing_in_a_run_is_a_gap() -> None:
    assert _gaps("A", ["run-1-1", "run-1-2", "run-2-1"]) == []
    assert "1 of 3 lost in run run-1" in _gaps("A", ["run-1-1", "run-1-3", "run-2-1"])[0]


def test_logs_are_read_with_all_their_digits_and_without_a_line_that_was_cut_off(tmp_path: Path) -> None:
    line = '{"timestamp": "2026-11-21T12:00:00+00:00", "nav": 1000.10}\n'
    (tmp_path / "performance.jsonl").write_text(line + line[:20])
    assert _logged(tmp_path / "performance.jsonl", ("nav",)) == [(AT, Decimal("1000.10"))]


def test_descriptors_and_memory_that_grow_are_seen() -> None:
    resources = Resources(first={"bot": 20})
    looks = [Look(0.0, 10.0, 60_000_000, 20), Look(200.0, 210.0, 70_000_000, 20), Look(900.0, 910.0, 72_000_000, 21)]
    resources.looks["bot", 1] = looks
    calm = Complaints()
    resources.judge(calm)
    assert calm.found == []
    looks.append(Look(2000.0, 2010.0, 200_000_000, 60))
    resources.judge(leaking := Complaints())
    assert broken(leaking) == {"no descriptor is leaked", "memory is flat"}


def test_the_same_complaint_is_told_once_a_group_and_counted() -> None:
    complaints = Complaints(("kill worker",))
    for number in range(3):
        complaints.add("rule", f"{number} s", about="it")
    complaints.faults = ("kill manager",)
    complaints.add("rule", "3 s", about="it")
    assert [each.faults for each in complaints.found] == [("kill worker",), ("kill manager",)]
    assert complaints.counts["rule"] == 4
