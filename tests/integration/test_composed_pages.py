"""Pages that people compose: kept, changed by who saw the newest version, told to every viewer, refused by field."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from main.clock import now
from main.config.pages import MOST_PANELS, PageSettings
from main.database.pool import Database
from main.domain.scope import Scope
from main.monitoring.api.app import create_app, protect
from main.monitoring.api.directory import Directory
from main.monitoring.api.pages import LARGEST, RULES
from main.monitoring.dashboards.v2.composed import PanelShelf, every_panel
from main.monitoring.hub import Hub
from main.monitoring.read import LiveSource, read_named
from main.recording.intake import Intake
from main.recording.page_store import MOST_PAGES, PageContent, save_page
from main.security.policy import dashboard_policy
from main.security.viewer import Viewer
from main.telemetry.metrics import Metrics
from main.telemetry.probes import ProbeApp
from tests.api_site import serving
from tests.integration.test_hub import running_hub, until

HOSTILE = "<img src=x onerror=alert(1)>"
WRITTEN = PageSettings.model_validate(
    {"page": "written", "title": "Of the file", "panels": ["equity"], "dashboard": "system"}
)
NIGHT = {
    "title": "Night",
    "dashboard": "trading",
    "panels": [{"panel": "equity", "width": 8}, {"panel": "slippage", "options": {"by": "hour"}}, {"panel": "cpu"}],
}


async def _nobody(page: Any) -> None:
    """Nobody connects here."""


class _As:
    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer

    async def identify(self, scope: Any) -> Viewer:
        return self.viewer


def nothing() -> Any:
    raise AssertionError("nothing is exported in these tests")


@asynccontextmanager
async def pages_on(
    database: Database, viewer: Viewer, *, without: str | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """The API of composed pages for a viewer, over a real server."""
    hub, directory, intake = Hub(database, LiveSource()), Directory(database), Intake(database.address)
    shelved = [each for each in every_panel() if each.panel.name != without]
    app = create_app(
        title="Trading",
        version="0",
        lifespan=None,
        hub=lambda: hub,
        directory=lambda: directory,
        intake=lambda: intake,
        exports=nothing,
        stream=_nobody,
        probes=ProbeApp("trading", registry=Metrics("trading", "0").registry),
        shelf=PanelShelf(shelved, [WRITTEN]),
    )
    protect(app, dashboard_policy((), *RULES), authenticator=_As(viewer))
    running = asyncio.create_task(hub.run())
    try:
        async with (
            serving(app) as port,
            httpx.AsyncClient(base_url=f"http://localhost:{port}", timeout=20) as client,
        ):
            yield client
    finally:
        await intake.close()
        running.cancel()
        await asyncio.wait({running})


@pytest.fixture
async def api(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with pages_on(database, Viewer("anna", "operator")) as client:
        yield client


async def listed(api: httpx.AsyncClient) -> dict[str, Any]:
    answer = await api.get("/api/pages")
    assert answer.status_code == 200, answer.text
    return {each["page"]: each for each in answer.json()["items"]}


async def test_a_page_is_saved_and_read_back_as_it_was_given(api: httpx.AsyncClient) -> None:
    saved = await api.put("/api/pages/night", json=NIGHT)
    assert (saved.status_code, saved.headers["etag"]) == (201, '"1"')
    found = (await api.get("/api/pages/night")).json()
    assert (found["title"], found["dashboard"], found["version"], found["changed_by"]) == (
        "Night",
        "trading",
        1,
        "anna",
    )
    assert found["panels"] == [
        {"panel": "equity", "width": 8, "options": {}},
        {"panel": "slippage", "width": None, "options": {"by": "hour"}},
        {"panel": "cpu", "width": None, "options": {}},
    ]
    assert (await listed(api)).keys() == {"night", "written"}


async def test_who_has_not_seen_the_newest_version_changes_nothing(api: httpx.AsyncClient) -> None:
    await api.put("/api/pages/night", json=NIGHT)
    first = await api.put("/api/pages/night", json=NIGHT | {"title": "First"}, headers={"If-Match": '"1"'})
    assert (first.status_code, first.json()["version"]) == (200, 2)
    late = await api.put("/api/pages/night", json=NIGHT | {"title": "Late"}, headers={"If-Match": '"1"'})
    assert late.status_code == 409
    assert (late.json()["version"], late.json()["changed_by"]) == (2, "anna")
    again = await api.put("/api/pages/night", json=NIGHT | {"title": "New"})
    assert again.status_code == 409
    assert (await listed(api))["night"]["title"] == "First"
    assert (await api.delete("/api/pages/night", headers={"If-Match": '"1"'})).status_code == 409
    assert (await api.delete("/api/pages/night", headers={"If-Match": '"2"'})).status_code == 204
    gone = await api.put("/api/pages/night", json=NIGHT, headers={"If-Match": '"2"'})
    assert gone.status_code == 409
    assert "not there any more" in gone.json()["detail"]
    assert (await api.delete("/api/pages/night")).status_code == 404
    assert (await api.get("/api/pages/night")).status_code == 404


async def test_of_two_who_save_at_once_one_is_told_of_the_other(api: httpx.AsyncClient) -> None:
    await api.put("/api/pages/night", json=NIGHT)
    answers = await asyncio.gather(
        *(
            api.put("/api/pages/night", json=NIGHT | {"title": f"By {number}"}, headers={"If-Match": '"1"'})
            for number in range(5)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]


async def test_the_same_words_twice_are_one_change(service: Database) -> None:
    intake = Intake(service.address)
    content = PageContent("night", "trading", "Night", 0, [{"panel": "equity", "width": None, "options": {}}])
    try:
        for expected, version in ((None, 1), (1, 2)):
            first = await intake.lent(lambda writer, e=expected: save_page(writer, content, "anna", e))  # type: ignore[misc]
            again = await intake.lent(lambda writer, e=expected: save_page(writer, content, "anna", e))  # type: ignore[misc]
            assert (first.done, first.version, again.done, again.version) == (True, version, True, version)
        other = await intake.lent(lambda writer: save_page(writer, content, "bert", 1))
        assert (other.done, other.version, other.changed_by) == (False, 2, "anna")
    finally:
        await intake.close()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 101}, "title"),
        ({"title": "a\x00b"}, "title"),
        ({"title": None}, "title"),
        ({"dashboard": "tradng"}, "dashboard"),
        ({"panels": "equity"}, "panels"),
        ({"panels": [{"panel": "equity", "width": 9}]}, "panels[0].width"),
        ({"panels": [{"panel": "equity", "width": True}]}, "panels[0].width"),
        ({"panels": [{"panel": "equty"}]}, "panels[0].panel"),
        ({"panels": [{"panel": "trade"}]}, "panels[0].panel"),
        ({"panels": [{"panel": "cpu"}, {"panel": "slippage", "options": {"bi": "hour"}}]}, "panels[1].options.bi"),
        ({"panels": [{"panel": "slippage", "options": {"by": "hours"}}]}, "panels[0].options.by"),
        ({"panels": [{"panel": "service_logs"}, {"panel": "service_logs"}]}, "panels[1].panel"),
        ({"panels": [{"panel": "equity"}] * (MOST_PANELS + 1)}, "panels"),
        ({"panels": [{"panel": "equity", "colour": "red"}]}, "panels[0].colour"),
        ({"page": "other"}, "page"),
        ({"place": "first"}, "place"),
        ({"palce": 1}, "palce"),
    ],
)
async def test_what_is_wrong_is_named_by_its_field(api: httpx.AsyncClient, change: dict[str, Any], field: str) -> None:
    answer = await api.put("/api/pages/night", json=NIGHT | change)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert field in [each["name"] for each in answer.json()["errors"]]
    assert "night" not in await listed(api)


async def test_a_near_name_is_suggested(api: httpx.AsyncClient) -> None:
    answer = await api.put("/api/pages/night", json=NIGHT | {"panels": [{"panel": "equty"}]})
    assert answer.json()["errors"][0]["hint"] == 'did you mean "equity"?'


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b'{"title": "\\ud800"}', b"null"])
async def test_a_body_that_is_no_page_is_refused(api: httpx.AsyncClient, body: bytes) -> None:
    answer = await api.put("/api/pages/night", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["name"] == "body"


async def test_a_body_without_end_is_refused(api: httpx.AsyncClient) -> None:
    large = await api.put("/api/pages/night", json=NIGHT | {"title": "x" * LARGEST})
    assert large.status_code == 413
    other = await api.put("/api/pages/night", content=b"title=x", headers={"content-type": "text/plain"})
    assert other.status_code == 415


@pytest.mark.parametrize("name", ["new", "Night", "a" * 65, "-x", "a_b", "n.ght"])
async def test_a_name_that_no_address_can_have_is_refused(api: httpx.AsyncClient, name: str) -> None:
    answer = await api.put(f"/api/pages/{name}", json=NIGHT)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["name"] == "page"


@pytest.mark.parametrize("version", ["x", "-1", "1" * 12, "*", ""])
async def test_a_version_that_is_none_is_refused(api: httpx.AsyncClient, version: str) -> None:
    answer = await api.put("/api/pages/night", json=NIGHT, headers={"If-Match": version})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["name"] == "If-Match"


async def test_a_page_of_the_configuration_file_is_read_only(api: httpx.AsyncClient) -> None:
    found = (await api.get("/api/pages/written")).json()
    assert (found["origin"], found["version"], found["dashboard"]) == ("file", None, "system")
    for answer in (await api.put("/api/pages/written", json=NIGHT), await api.delete("/api/pages/written")):
        assert answer.status_code == 403
        assert "configuration file" in answer.json()["detail"]


async def test_only_an_operator_changes_pages_and_everybody_reads_them(database: Database) -> None:
    async with pages_on(database, Viewer("anna", "operator")) as anna:
        await anna.put("/api/pages/night", json=NIGHT)
    async with pages_on(database, Viewer("bert", "viewer", ())) as bert:
        assert (await bert.put("/api/pages/night", json=NIGHT, headers={"If-Match": '"1"'})).status_code == 403
        assert (await bert.delete("/api/pages/night")).status_code == 403
        assert (await bert.get("/api/pages/night")).json()["title"] == "Night"
        assert (await bert.get("/api/panels")).json()["may_change"] is False


async def test_a_page_outlives_the_dashboard_it_was_saved_on_and_a_panel_that_the_next_version_has_no_more(
    database: Database,
) -> None:
    anna = Viewer("anna", "operator")
    async with pages_on(database, anna) as before:
        await before.put("/api/pages/night", json=NIGHT)
        saved = (await before.get("/api/pages/night")).json()
    async with pages_on(database, anna, without="slippage") as after:
        found = (await after.get("/api/pages/night")).json()
        assert found | {"as_of": None} == saved | {"as_of": None}
        framed = (await after.get("/api/panels/frames", params={"names": "equity,slippage,cpu"})).json()["panels"]
        assert [name for name, each in framed.items() if each.get("missing")] == ["slippage"]
        assert "it was renamed or taken away" in str(framed["slippage"]["frame"])
        kept = {name: found[name] for name in ("title", "dashboard", "panels")}
        refused = await after.put("/api/pages/night", json=kept, headers={"If-Match": '"1"'})
        assert refused.status_code == 422  # saving it again names the panel that has to go
        assert refused.json()["errors"][0]["name"] == "panels[1].panel"


async def test_a_hostile_title_comes_back_as_the_text_it_is(api: httpx.AsyncClient) -> None:
    assert (await api.put("/api/pages/night", json=NIGHT | {"title": HOSTILE})).status_code == 201
    assert (await listed(api))["night"]["title"] == HOSTILE


async def test_there_is_an_end_to_the_number_of_pages(api: httpx.AsyncClient, service: Database) -> None:
    async with service.scoped() as connection:
        await connection.execute(
            "INSERT INTO pages (page, dashboard, title, origin) "
            "SELECT 'page-' || n, 'trading', 'Page ' || n, 'user' FROM generate_series(1, $1) n",
            MOST_PAGES,
        )
    answer = await api.put("/api/pages/night", json=NIGHT)
    assert answer.status_code == 409
    assert str(MOST_PAGES) in answer.json()["detail"]
    assert len(await listed(api)) == MOST_PAGES + 1


async def test_every_viewer_hears_of_a_change_at_once(api: httpx.AsyncClient, database: Database) -> None:
    async with running_hub(database) as hub:
        watched = hub.watch(read_named("pages"), Scope(), lambda: None)
        await until(lambda: watched.answer is not None and watched.answer.value == [])
        await api.put("/api/pages/night", json=NIGHT)
        await until(lambda: [each.page for each in watched.answer.value] == ["night"])  # type: ignore[union-attr]
        await api.put("/api/pages/night", json=NIGHT | {"title": "Late"}, headers={"If-Match": '"1"'})
        await until(lambda: [each.title for each in watched.answer.value] == ["Late"])  # type: ignore[union-attr]
        await api.delete("/api/pages/night")
        await until(lambda: watched.answer.value == [])  # type: ignore[union-attr]


async def test_the_past_knows_no_composed_page(api: httpx.AsyncClient, database: Database) -> None:
    await api.put("/api/pages/night", json=NIGHT)
    async with database.scoped(()) as connection:
        scope = Scope(as_of=now()).resolved(now())
        assert await read_named("pages").fetch(connection, scope) == []


async def test_every_panel_can_be_found_and_framed(api: httpx.AsyncClient) -> None:
    told = (await api.get("/api/panels")).json()
    items = {each["name"]: each for each in told["items"]}
    assert told["may_change"] is True
    assert items["equity"]["title"] == "Equity and drawdown"
    assert (items["slippage"]["options"][0]["name"], items["cpu"]["dashboard"]) == ("by", "system")
    assert "trade" not in items
    framed = (await api.get("/api/panels/frames", params={"names": "equity,slippage~2,equty,trades,../x,a" * 1})).json()
    assert framed["drawers"] == ["trade"]
    assert framed["panels"]["slippage~2"]["frame"]["props"]["id"] == "panel-slippage~2"
    assert framed["panels"]["equty"]["missing"]
    assert 'Did you mean "equity"?' in str(framed["panels"]["equty"]["frame"])
    assert framed["panels"].keys() == {"equity", "slippage~2", "equty", "trades", "trade", "a"}
    many = ",".join(f"a{number}" for number in range(MOST_PANELS + 1))
    assert (await api.get("/api/panels/frames", params={"names": many})).status_code == 422
