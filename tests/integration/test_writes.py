"""What is posted: all that is right goes in, once; what is wrong is named and kept; without a database nothing is."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import asyncpg
import httpx
import pytest

from main.database.address import Address
from main.database.pool import Database
from main.domain.scope import Scope
from main.monitoring.hub import Hub
from main.recording.intake import Intake
from main.security.policy import API
from tests.given import given_account
from tests.integration.tcp_proxy import TcpProxy
from tests.integration.test_api import Site, site_on
from tests.integration.test_hub import cash, read_of, running_hub, until

LINES = {"Content-Type": "application/x-ndjson"}
FILL = {
    "event": "fill",
    "at": "2026-11-20T14:00:00Z",
    "account": "A",
    "source": "bot",
    "source_id": "f1",
    "symbol": "X",
    "side": "buy",
    "quantity": "0.10000000000000000001",
    "price": 101.25,
    "fee": 1,
}


def fills(*numbers: int, **changed: Any) -> list[dict[str, Any]]:
    return [FILL | {"source_id": f"f{number}"} | changed for number in numbers]


def lines(*documents: object) -> bytes:
    return "\n".join(each if isinstance(each, str) else json.dumps(each) for each in documents).encode()


@pytest.fixture
async def site(database: Database, service: Database) -> AsyncIterator[Site]:
    await given_account(service)
    async with service.scoped() as connection:
        await connection.execute(
            "INSERT INTO instruments (source, symbol, currency, at) VALUES ('sim', 'X', 'USD', now())"
        )
    async with site_on(database) as running:
        yield running


async def posted(site: Site, body: bytes, path: str = "/api/record", **headers: str) -> httpx.Response:
    return await site.client.post(path, content=body, headers=LINES | headers)


async def stored(service: Database, what: str = "count(*)", table: str = "fills") -> Any:
    async with service.scoped() as connection:
        return await connection.fetchval(f"SELECT {what} FROM {table}")


async def test_what_is_posted_is_stored_to_the_last_digit(site: Site, service: Database) -> None:
    answer = await posted(site, lines(FILL))
    assert answer.status_code == 200, answer.text
    assert (answer.json()["accepted"], answer.json()["duplicates"], answer.json()["refused"]) == (1, 0, [])
    assert answer.json()["as_of"].endswith("Z")
    assert await stored(service, "quantity") == Decimal("0.10000000000000000001")
    assert await stored(service, "price") == Decimal("101.25")


async def test_a_batch_that_is_sent_again_or_by_several_at_once_is_stored_once(site: Site, service: Database) -> None:
    body = lines(*fills(*range(40)))
    answers = await asyncio.gather(*(posted(site, body) for _ in range(6)))
    assert [answer.status_code for answer in answers] == [200] * 6
    assert sum(answer.json()["accepted"] for answer in answers) == 40
    assert sum(answer.json()["duplicates"] for answer in answers) == 5 * 40
    assert await stored(service) == 40


async def test_every_line_that_is_wrong_is_named_and_kept_and_the_others_go_in(site: Site, service: Database) -> None:
    wrong = [
        ("", b"{"),
        ("", b"[1]"),
        ("", b'{"event": "fill", "event": "fill"}'),
        ("", b'\xff{"event": "fill"}'),
        ("", b"[" * 5_000),
        ("event", lines({"event": "fil"})),
        ("quantity", lines(FILL | {"quantity": "many"})),
        ("price", lines(FILL).replace(b"101.25", b"NaN")),
        ("price", lines(FILL).replace(b"101.25", b"1e400")),
        ("price", lines(FILL).replace(b"101.25", b"-Infinity")),
        ("at", lines(FILL | {"at": "2026-11-20T14:00:00"})),
        ("at", lines({name: value for name, value in FILL.items() if name != "at"})),
        ("symbol", lines(FILL | {"symbol": 7})),
        ("symbol", lines(FILL | {"symbol": "X\x00"})),
        ("symbol", lines(FILL | {"symbol": "\ud800"})),
        ("side", lines(FILL | {"side": "hold"})),
        ("sied", lines(FILL | {"sied": "buy"})),
        ("account", lines(FILL | {"account": "nobody"})),
        ("revision", lines(FILL | {"revision": 2**40})),
    ]
    body = b"\n".join([*(line for _, line in wrong), b"", lines(*fills(8, 9))])
    answer = await posted(site, body)
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert document["accepted"] == 2
    named = [(each["line"], each["field"]) for each in document["refused"]]
    expected = [(number, name) for number, (name, _) in enumerate(wrong, 1)]
    assert named[:-1] == expected[:-1]
    assert named[-1][0] == len(wrong)  # what the database refuses it does not always name
    assert all(each["problem"] for each in document["refused"])
    assert await stored(service) == 2
    assert await stored(service, table="dead_letters") == len(wrong)
    again = await posted(site, body)
    assert (again.json()["accepted"], again.json()["duplicates"]) == (0, 2)
    assert await stored(service, table="dead_letters") == len(wrong)


async def test_a_batch_without_a_right_line_is_422_and_says_which_and_why(site: Site) -> None:
    answer = await posted(site, lines(FILL | {"side": "hold"}, "nonsense"))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"].startswith("line 1 side:")
    assert [each["line"] for each in answer.json()["refused"]] == [1, 2]


async def test_a_fact_that_comes_again_with_other_content_is_named_and_the_first_one_stays(
    site: Site, service: Database
) -> None:
    await posted(site, lines(*fills(*range(20))))
    others = [*fills(*range(5)), *fills(5, 6, price=7), *fills(30), *fills(8, price=7)]
    answer = await posted(site, lines(*others))
    document = answer.json()
    assert (answer.status_code, document["accepted"], document["duplicates"]) == (200, 1, 5)
    assert [(each["line"], each["field"]) for each in document["refused"]] == [
        (6, "revision"),
        (7, "revision"),
        (9, "revision"),
    ]
    assert "higher revision" in document["refused"][0]["problem"]
    assert await stored(service, "max(price)") == await stored(service, "min(price)") == Decimal("101.25")
    assert await stored(service, "count(*)", "system_events WHERE kind = 'record_conflict'") == 3


@pytest.mark.parametrize(
    ("body", "headers", "refusal"),
    [
        (lines(*fills(*range(1001))), {}, (413, "1001 lines")),
        (b"x" * 1_000_001, {}, (413, "1000001 bytes")),
        (b"x" * 10_000_000, {}, (413, "larger")),
        (b"", {}, (422, "no line")),
        (b"\n \n", {}, (422, "no line")),
        (lines(FILL), {"Content-Type": "text/plain"}, (415, "application/x-ndjson")),
        (lines(FILL), {"Origin": "http://evil.example"}, (403, "pages")),
    ],
    ids=["1,001 lines", "1 MB", "10 MB", "empty", "blank", "a form", "another site"],
)
async def test_what_is_no_batch_is_refused_before_it_is_looked_at(
    site: Site, service: Database, body: bytes, headers: dict[str, str], refusal: tuple[int, str]
) -> None:
    answer = await posted(site, body, **headers)
    assert (answer.status_code, refusal[1] in answer.text) == (refusal[0], True), answer.text
    assert await stored(service) == await stored(service, table="dead_letters") == 0


async def test_a_body_without_a_length_is_bounded_while_it_is_read(site: Site) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b"x" * 50_000

    answer = await site.client.post("/api/record", content=endless(), headers=LINES)
    assert answer.status_code == 413


async def test_a_thousand_lines_of_which_every_other_is_refused_by_the_database_are_one_answer(
    site: Site, service: Database
) -> None:
    documents = [FILL | {"source_id": f"f{n}", "account": "A" if n % 2 else "nobody"} for n in range(100)]
    document = (await posted(site, lines(*documents))).json()
    assert document["accepted"] == 50
    assert [each["line"] for each in document["refused"]] == list(range(1, 100, 2))
    assert {each["field"] for each in document["refused"]} == {"account"}
    assert await stored(service) == 50


@asynccontextmanager
async def behind(proxy: TcpProxy) -> AsyncIterator[Site]:
    database = Database(proxy.address)
    await database.open()
    try:
        async with site_on(database) as site:
            yield site
    finally:
        await database.close()


@pytest.mark.promise(18)
async def test_a_connection_cut_between_the_commit_and_its_answer_stores_once_in_effect(
    address: Address, service: Database
) -> None:
    await given_account(service)
    async with service.scoped() as connection:
        await connection.execute(
            "INSERT INTO instruments (source, symbol, currency, at) VALUES ('sim', 'X', 'USD', now())"
        )
    with TcpProxy(address) as proxy:
        async with behind(proxy) as site:
            proxy.lose_answers_to_commits(1)
            answer = await posted(site, lines(*fills(1, 2, 3)))
            assert proxy.cuts == 1
            assert answer.status_code == 200
            assert answer.json()["accepted"] + answer.json()["duplicates"] == 3
            assert await stored(service) == 3


@pytest.mark.promise(11)
async def test_without_a_database_a_write_is_503_with_retry_after_and_nothing_is_half_written(
    address: Address, service: Database
) -> None:
    await given_account(service)
    with TcpProxy(address) as proxy:
        async with behind(proxy) as site:
            assert (await posted(site, b"nonsense")).status_code == 422
            before = await stored(service, table="dead_letters")
            proxy.refuse()
            for path, body in (("/api/record", lines(*fills(1), "other nonsense")), ("/api/balance", BALANCE)):
                answer = await site.client.post(path, content=body, headers={"Content-Type": "application/json"})
                assert answer.status_code == 503, answer.text
                assert int(answer.headers["retry-after"]) > 0
                assert (await site.client.get("/livez")).status_code == 200
            assert await stored(service, table="trading_pnl") == 0
            assert await stored(service, table="dead_letters") == before
            proxy.accept()
            answer = await site.client.post(
                "/api/balance", content=BALANCE, headers={"Content-Type": "application/json"}
            )
            assert answer.status_code == 200, answer.text


BALANCE = lines({"account": "A", "balance": "1000.50", "at": "2026-11-20T14:00:00Z"})


async def test_a_balance_is_an_equity_observation_once_for_each_moment(site: Site, service: Database) -> None:
    as_json = {"Content-Type": "application/json"}
    first = await site.client.post("/api/balance", content=BALANCE, headers=as_json)
    again = await site.client.post("/api/balance", content=BALANCE, headers=as_json)
    other = await site.client.post("/api/balance", content=BALANCE.replace(b"1000.50", b"7"), headers=as_json)
    assert (first.status_code, first.json()["accepted"]) == (200, 1)
    assert (again.status_code, again.json()["duplicates"]) == (200, 1)
    assert other.status_code == 409
    assert await stored(service, "equity", "trading_pnl") == Decimal("1000.50")
    now = await site.client.post("/api/balance", json={"account": "A", "balance": 12.5})
    assert now.json()["accepted"] == 1


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ({"account": "A"}, "balance"),
        ({"balance": 1}, "account"),
        ({"account": "nobody", "balance": 1}, "account"),
        ({"account": "A", "balance": "NaN"}, "balance"),
        ({"account": "A", "balance": 1, "at": "yesterday"}, "at"),
        ({"account": "A", "balance": 1, "equity": 1}, "equity"),
    ],
)
async def test_a_balance_that_makes_no_sense_is_422_and_names_the_field(
    site: Site, document: dict[str, object], name: str
) -> None:
    answer = await site.client.post("/api/balance", json=document)
    assert answer.status_code == 422, answer.text
    assert answer.json()["refused"][0]["field"] == name


async def test_what_is_posted_is_announced_so_that_open_pages_show_it(address: Address, service: Database) -> None:
    await given_account(service)
    database = Database(address)
    await database.open()
    intake = Intake(address)
    try:
        async with running_hub(database) as hub, _posting(hub, intake, database) as client:
            watched = hub.watch(read_of(cash), Scope(("A",)), lambda: None)
            await until(lambda: watched.answer is not None)
            flow = {"event": "cash_flow", "kind": "deposit", "amount": 40, "account": "A", "source": "bot"}
            body = lines(flow | {"source_id": "c1", "at": "2026-11-20T14:00:00Z"})
            answer = await client.post("/api/record", content=body, headers=LINES)
            assert answer.json()["accepted"] == 1
            await until(lambda: watched.answer is not None and watched.answer.value.amount == 40, 5)
    finally:
        await intake.close()
        await database.close()


@asynccontextmanager
async def _posting(hub: Hub, intake: Intake, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with site_on(database) as site:
        yield site.client


async def test_an_announcement_that_fails_costs_neither_its_batch_nor_the_next_one_anything(
    site: Site, service: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(connection: Any, _: object) -> None:
        await connection.execute("BEGIN; SELECT 1 / 0")

    with monkeypatch.context() as patched:
        patched.setattr("main.recording.intake._announce", fail)
        assert (await posted(site, lines(*fills(1)))).status_code == 200
    answer = await posted(site, lines(*fills(2)))
    assert answer.status_code == 200, answer.text
    assert await stored(service) == 2


async def test_only_this_machine_may_write_and_at_most_two_connections_do(site: Site, address: Address) -> None:
    rules = {rule.path: rule.access for rule in API if "POST" in rule.methods}
    assert rules.pop("/api/alerts/acknowledge") == "operator"  # a person does that, in their own name
    assert rules == {"/api/record": "internal", "/api/balance": "internal"}
    await asyncio.gather(*(posted(site, lines(*fills(number))) for number in range(12)))
    looking = await asyncpg.connect(**address.connect_arguments(), timeout=5)
    count = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND application_name = 'ai-trader api'"
    )
    assert 1 <= await looking.fetchval(count) <= 2
    await looking.close()


async def test_the_routes_that_write_are_described(site: Site) -> None:
    paths = (await site.client.get("/openapi.json")).json()["paths"]
    for path in ("/api/record", "/api/balance"):
        described = paths[path]["post"]
        assert described["requestBody"]["required"] is True
        assert {"200", "413", "415", "422", "503"} <= set(described["responses"])
