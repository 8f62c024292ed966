"""The API does what its own description says, whatever it is asked: no failure, no answer of another shape."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from main.database.pool import Database
from main.exporters.formats import FORMATS
from main.monitoring.api.named_paths import NAMED
from main.monitoring.read import reads
from tests.api_site import DAY, HOUR, NOW, api_on, given_trading
from tests.given import (
    given_alert,
    given_daily,
    given_event,
    given_fill,
    given_host,
    given_order_event,
    given_service,
    given_snapshots,
)

EXAMPLES = {GenerationMode.POSITIVE: 4, GenerationMode.NEGATIVE: 2}
"""Of each path: some 80 paths make 500 requests."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
HOSTILE = (
    "%00",
    "%ED%A0%80",  # a lone surrogate
    "%FF%FE",
    quote("' OR 1=1; DROP TABLE accounts; --"),
    quote("<img src=x onerror=alert(1)>"),
    quote("🦖\u202e\ufeff"),
    quote("%_\\"),
    "9" * 400,
    "-9223372036854775809",
    "1e400",
    "nan",
    "0000-00-00",
    "0001-01-01T00:00:00%2B14:00",
    "9999-12-31T23:59:59Z",
    "0001-01-01..9999-12-31",
    "x" * 900,
)
MERELY_TEXTS = (quote("' OR 1=1; DROP TABLE accounts; --"), quote("🦖\u202e\ufeff"), quote("%_\\"), "x" * 5_000)
TEXT_PATTERN = r"^[^\u0000]*$"
DOCUMENTED = {200, 404, 414, 422}


@pytest.fixture
async def api(service: Database, database: Database, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The API of a database that has something of everything."""
    await given_trading(service)
    await given_trading(service, "B", currency="EUR")
    times = [NOW - HOUR * hours for hours in range(48)]
    await given_snapshots(service, *times, symbol="BTC-USD", source="market-A", best_bid=99, best_ask=101, bid_depth=1)
    await given_fill(service, "buy", 1, 100, NOW - HOUR, symbol="BTC-USD")
    await given_order_event(service, "rejected", NOW - HOUR, symbol="BTC-USD", reason="no money")
    await given_daily(service, NOW.date(), loss_used=30, loss_limit=120, at=NOW)
    await given_event(service, "risk_block", "warning", NOW - HOUR)
    await given_alert(service, "Drawdown", NOW - DAY)
    await given_host(service, 0.25, 0.5, ending=NOW)
    await given_service(service, "worker", kind="worker")
    async with api_on(database, tmp_path) as client:
        yield client


async def description(api: httpx.AsyncClient) -> dict[str, Any]:
    told: dict[str, Any] = (await api.get("/openapi.json")).json()
    return told


def validator(schema: Any, document: dict[str, Any]) -> Any:
    return jsonschema_rs.Draft202012Validator(schema | {"components": document["components"]}, validate_formats=True)


async def test_every_read_and_named_path_is_described_with_parameters_examples_and_errors(
    api: httpx.AsyncClient,
) -> None:
    document = await description(api)
    assert document["openapi"].startswith("3.1")
    expected = {f"/api/reads/{name}" for name in reads()} | {path.path for path in NAMED} | {"/api/reads"}
    assert expected <= document["paths"].keys()
    for path in expected:
        operation = document["paths"][path]["get"]
        assert operation["responses"].keys() >= {"200", "401", "403", "404", "422", "503"}, path
        answer = operation["responses"]["200"]["content"]["application/json"]
        assert validator(answer["schema"], document).is_valid(answer["example"]), path
    trades = document["paths"]["/api/reads/trades"]["get"]["parameters"]
    limit = next(each for each in trades if each.get("name") == "limit")
    assert (limit["schema"]["minimum"], limit["schema"]["maximum"], limit["example"]) == (1, 1000, 50)
    sort = next(each for each in trades if each.get("name") == "sort")
    assert "-exit_time" in sort["schema"]["enum"]


async def test_the_export_is_described_with_its_reads_and_formats(api: httpx.AsyncClient) -> None:
    document = await description(api)
    operation = document["paths"]["/api/export/{name}"]["get"]
    assert {each.get("name"): each["schema"]["enum"] for each in operation["parameters"] if "name" in each} == {
        "name": list(reads()),
        "format": list(FORMATS),
    }
    for form in FORMATS.values():
        answer = await api.get("/api/export/trades", params={"format": form.name})
        assert answer.headers["content-type"] == form.media_type
        assert form.media_type in operation["responses"]["200"]["content"]
    assert "put" in document["paths"]["/api/trades/notes"]


async def test_every_path_answers_as_it_is_described(api: httpx.AsyncClient) -> None:
    document = await description(api)
    for path in document["paths"]:
        operation = document["paths"][path].get("get")
        if operation is None or "{" in path:
            continue
        schema = validator(operation["responses"]["200"]["content"]["application/json"]["schema"], document)
        queries = ["", f"decimals=string&range=1W&as_of={(NOW - HOUR).strftime('%Y-%m-%dT%H:%M:%SZ')}"]
        if path == "/api/reads":
            queries = [""]
        for query in queries:
            answer = await api.get(f"{path}?{query}")
            assert answer.status_code == 200, (path, query, answer.text)
            wrong = [f"{list(each.instance_path)}: {each.message}" for each in schema.iter_errors(answer.json())]
            assert not wrong, (path, query, wrong[:3])


@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore:Do not use the `random` module")  # the server's jitter, in the same process
async def test_nothing_that_is_asked_makes_it_fail(api: httpx.AsyncClient) -> None:
    await asyncio.to_thread(_fuzz, str(api.base_url))


def _fuzz(url: str) -> None:
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.method.upper() != "GET":
            continue
        for mode in GenerationMode if operation.query else [GenerationMode.POSITIVE]:
            _ask(operation.as_strategy(generation_mode=mode), EXAMPLES[mode])


def _ask(cases: st.SearchStrategy[Any], examples: int) -> None:
    @seed(4711)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def ask(case: Any) -> None:
        case.validate_response(case.call(timeout=20), checks=CHECKS)

    ask()


async def test_no_hostile_text_gets_further_than_a_refusal_or_an_empty_answer(api: httpx.AsyncClient) -> None:
    document = await description(api)
    problem = validator({"$ref": "#/components/schemas/Problem"}, document)
    turn = asyncio.Semaphore(8)

    async def ask(path: str, query: str) -> None:
        async with turn:
            answer = await api.get(f"{path}?{query}")
        assert answer.status_code in DOCUMENTED, (path, query, answer.text)
        assert answer.status_code == 200 or problem.is_valid(answer.json()), (path, query)

    paths = enumerate(document["paths"].items())
    queries = [each for place, described in paths for each in _hostile_queries(place, *described)]
    assert len(queries) > 400
    await asyncio.gather(*(ask(*each) for each in queries))


def _hostile_queries(place: int, path: str, operations: dict[str, Any]) -> list[tuple[str, str]]:
    """Some of the texts as the value of all parameters at once, and one that is but a text as that of each text.

    Which of them goes by the path's place, so that each meets many paths.
    """
    if "get" not in operations:
        return []
    parameters = operations["get"]["parameters"]
    names = [each.get("name") or each["$ref"].rsplit("/", 1)[-1] for each in parameters]
    texts = [each["name"] for each in parameters if each.get("schema", {}).get("pattern") == TEXT_PATTERN]
    some = [HOSTILE[(place * 5 + each) % len(HOSTILE)] for each in range(5)]
    merely = [MERELY_TEXTS[(place + each) % len(MERELY_TEXTS)] for each in range(len(texts))]
    together = [(path, "&".join(f"{name}={text}" for name in names)) for text in some]
    return [*together, *((path, f"{name}={text}") for name, text in zip(texts, merely, strict=True))]
