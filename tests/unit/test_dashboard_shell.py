import asyncio
import contextlib
import inspect
import re
import subprocess
import sys
import threading
from datetime import timedelta

import asyncpg
import httpx
import orjson
import pytest
import structlog
from dash import Dash, Input, Output, html
from dash.backends import _fastapi

from main.clock import now
from main.config import load_settings
from main.database.address import Address
from main.domain.scope import Scope
from main.domain.topics import Topic
from main.errors import CallbackOnLoop, ConfigurationError, UnknownName
from main.monitoring.dashboards.v2 import SystemDashboardV2, TradingDashboardV2, components
from main.monitoring.dashboards.v2.callback_threads import CallbackThreads
from main.monitoring.dashboards.v2.encoder import PanelEncoder
from main.monitoring.dashboards.v2.facade import pool_address
from main.monitoring.dashboards.v2.panel import Panel, Picture
from main.monitoring.dashboards.v2.table import Column, Row, table
from main.monitoring.read import Answer, Freshness, Read, State

NOWHERE = Address("127.0.0.1", 1, "nothing", "nobody")


async def value(source, scope):
    """Return a number."""


READ = Read("number", "Number", value, topics=frozenset({Topic.EQUITY}), unit="USD", freshness=timedelta(seconds=5))


def panel(draw, **changes):
    return Panel(**{"name": "number", "title": "Number", "page": "Overview", "reads": (READ,), "draw": draw} | changes)


def answer(number, *, state=State.LIVE, error=None):
    return {"number": Answer(number, Freshness(state, now(), now(), 5.0), error, 1)}


def encoded(draw, answers=None, **changes):
    encoder = PanelEncoder([panel(draw, **changes)])
    return orjson.loads(b"{" + encoder.encode("number", answers or answer(7), Scope(("A",))) + b"}")


@pytest.fixture
def dashboard():
    return TradingDashboardV2(NOWHERE, settings=load_settings(env={}), panels=[panel(lambda a, s: html.Div("x"))])


def client(dashboard):
    transport = httpx.ASGITransport(dashboard.server, client=("127.0.0.1", 5000))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:8080")


def test_making_a_dashboard_starts_no_thread_and_opens_no_socket():
    before = threading.active_count()
    made = TradingDashboardV2(NOWHERE, settings=load_settings(env={}))
    assert made.port == 8080
    assert isinstance(made.app, Dash)
    assert SystemDashboardV2(NOWHERE, settings=load_settings(env={})).port == 8052
    assert threading.active_count() == before


def test_the_package_names_its_dashboards_without_importing_dash():
    code = "import sys, main.monitoring.dashboards.v2.dashboard_manager; print('dash' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_what_is_no_database_is_refused_by_name():
    with pytest.raises(ConfigurationError, match="int"):
        TradingDashboardV2(7, settings=load_settings(env={}))


async def test_a_pool_serves_as_an_address():
    settings = load_settings(env={})
    pool = asyncpg.create_pool(host="db.example", port=6000, user="u", password="p", database="d")
    assert pool_address(pool, settings) == Address("db.example", 6000, "d", "u", "p")
    by_url = asyncpg.create_pool("postgresql://u:p@db.example:6000/d?sslmode=require")
    assert pool_address(by_url, settings) == Address("db.example", 6000, "d", "u", "p", "require")


def test_the_private_names_that_are_relied_on_are_there():
    assert {"_connect_args", "_connect_kwargs"} <= set(asyncpg.Pool.__slots__)
    assert list(inspect.signature(Dash._execute_callback).parameters) == ["self", "func", "args", "outputs_list", "g"]
    assert callable(Dash._setup_server)
    assert {"_setup_catchall", "websocket_capability"} <= set(dir(_fastapi.FastAPIDashServer))
    assert callable(_fastapi.set_current_request)
    assert callable(_fastapi.reset_current_request)
    assert {"enable_mcp", "suppress_callback_exceptions"} <= set(inspect.signature(Dash.__init__).parameters)


async def test_pages_layout_and_unknown_paths_answer_as_they_should(dashboard):
    async with client(dashboard) as http:
        page, layout = await http.get("/overview"), await http.get("/_dash-layout")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert (layout.status_code, layout.headers["content-type"]) == (200, "application/json")
        assert (await http.get("/")).status_code == 200
        assert (await http.get("/api/nope")).status_code == 404
        assert (await http.get("/nope")).status_code == 404
        assert (await http.get("/tabs/nope")).status_code == 404
        assert (await http.get("/livez")).status_code == 200


async def test_a_wrong_address_is_named_with_a_way_back_to_people_as_a_page_and_to_programs_as_json(dashboard):
    person = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    async with client(dashboard) as http:
        for path in ("/nopage", "/tabs/nope"):
            page = await http.get(path, headers=person)
            assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
            assert f"<code>{path}</code>" in page.text
            assert 'href="/">Overview</a>' in page.text
            assert "script-src 'self'" in page.headers["content-security-policy"]
        style = re.search(r'href="(/assets/page\.css[^"]*)"', page.text)[1]
        assert ".absent" in (await http.get(style)).text
        hostile = await http.get("/<img src=x onerror=alert(1)>", headers=person)
        assert "<img" not in hostile.text
        assert "&lt;img src=x" in hostile.text
        program = await http.get("/nopage")
        assert program.headers["content-type"] == "application/problem+json"
        assert program.json()["detail"].startswith(
            'there is nothing at "/nopage"; the pages are in the navigation of /'
        )
        api = await http.get("/api/nope", headers=person)  # who asks the API by hand reads what its programs read
        assert api.json()["detail"].endswith("the paths of the API in /openapi.json")


async def test_the_page_carries_its_skeletons_its_policy_and_no_way_out(dashboard):
    async with client(dashboard) as http:
        dashboard.app.ready()
        page = await http.get("/overview")
        script = await http.get(re.search(r'src="(/assets/page\.js\?m=[^"]*)"', page.text)[1])
    assert script.text.startswith("window.aiTraderShell = ")
    assert "panel-number" in script.text
    assert "panel-number" not in page.text
    assert "script-src 'self' 'sha256-" in page.headers["content-security-policy"]
    assert "unsafe-inline" not in page.headers["content-security-policy"].split("script-src")[1].split(";")[0]
    assert "https://" not in page.text.split("<body")[0]


OWN = (r"theme-early\.js", r"plotly\.json", r"page\.js", r"page\.css")


async def test_what_names_its_version_is_kept_for_good_and_the_rest_asked_for_again(dashboard):
    dashboard.app.ready()
    async with client(dashboard) as http:
        page = await http.get("/overview")
        plotly = re.search(r'data-plotly="([^"]*)"', page.text)
        own = [re.search(rf'"(/assets/{name}\?m=[^"]*)"', page.text) for name in OWN]
        versioned = [await http.get(found[1], headers={"accept-encoding": "br"}) for found in (plotly, *own)]
        plain = await http.get("/assets/theme-early.js", headers={"accept-encoding": "br"})
    kept = ["public, max-age=31536000, immutable"] * 5
    assert [answer.headers["cache-control"] for answer in versioned] == kept
    assert [answer.headers["content-encoding"] for answer in versioned] == ["br"] * 5
    assert plain.headers["cache-control"] == "no-cache"


async def test_a_hostile_title_cannot_leave_the_configuration(dashboard):
    dashboard.add_tab("x", "</script><script>alert(1)</script>", html.Div())
    async with client(dashboard) as http:
        page = await http.get("/tabs/x")
        script = await http.get(re.search(r'src="(/assets/page\.js\?m=[^"]*)"', page.text)[1])
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "/tabs/x" in script.text
    assert script.headers["content-type"].startswith("text/javascript")


async def test_a_page_begins_without_the_grid_unless_a_tab_may_hold_one_and_its_scripts_follow_its_tabs(dashboard):
    dashboard.app.ready()
    async with client(dashboard) as http:
        lean = (await http.get("/overview")).text
        dashboard.add_tab("x", "Mine", html.Div())
        full = (await http.get("/overview")).text
    script = r'<script src="(/_dash-component-suites/dash_ag_grid/[^"]*)"'
    address = re.search(script, full)[1]
    assert not re.search(script, lean)
    assert f'data-grid="{address}"' in lean
    assert "/dash_table/" not in lean
    ours = [re.search(r'src="(/assets/page\.js\?m=[^"]*)"', page)[1] for page in (lean, full)]
    assert ours[0] != ours[1]


def test_a_tab_is_one_more_entry_of_the_navigation_and_its_content_is_mounted(dashboard):
    dashboard.add_tab("funding", "Funding", html.Div(id="funding-content"))
    layout = orjson.dumps(dashboard.app.get_layout(), default=lambda c: c.to_plotly_json()).decode()
    assert "/tabs/funding" in layout
    assert '"funding-content"' in layout
    assert '"interval-component"' in layout


def test_only_pages_with_panels_are_listed():
    made = TradingDashboardV2(NOWHERE, settings=load_settings(env={}), panels=[panel(None), panel(None, page="Risk")])
    assert [page.name for page in made._shell().pages] == ["Overview", "Risk"]


def test_a_page_whose_panels_are_all_at_home_on_another_is_listed_too():
    made = TradingDashboardV2(NOWHERE, settings=load_settings(env={}), panels=[panel(None, also_on=("Risk",))])
    assert [page.name for page in made._shell().pages] == ["Overview", "Risk"]


async def call_back(dashboard, output):
    body = {
        "output": output,
        "outputs": {"id": output.split(".")[0], "property": "children"},
        "inputs": [{"id": "interval-component", "property": "n_intervals", "value": 1}],
        "changedPropIds": ["interval-component.n_intervals"],
    }
    async with client(dashboard) as http:
        headers = {"origin": "http://localhost:8080"}
        return await http.post("/_dash-update-component", json=body, headers=headers)


async def test_a_synchronous_callback_leaves_the_loop_free(dashboard):
    started, release = threading.Event(), threading.Event()

    @dashboard.app.callback(Output("slow", "children"), [Input("interval-component", "n_intervals")])
    def slow(n):
        started.set()
        assert release.wait(10)
        return f"{n} in {threading.current_thread().name}"

    waiting = asyncio.create_task(call_back(dashboard, "slow.children"))
    assert await asyncio.to_thread(started.wait, 10)
    async with client(dashboard) as http:
        assert (await http.get("/livez")).status_code == 200
    release.set()
    answered = await waiting
    assert answered.json()["response"]["slow"]["children"].startswith("1 in callback")


async def test_when_every_thread_waits_the_next_callback_is_refused_in_time_and_the_rest_goes_on(dashboard):
    release = threading.Event()
    dashboard.app._threads = CallbackThreads(2, 0.2)

    @dashboard.app.callback(Output("stuck", "children"), [Input("interval-component", "n_intervals")])
    def stuck(n):
        assert release.wait(10)
        return n

    @dashboard.app.callback(Output("quick", "children"), [Input("interval-component", "n_intervals")])
    async def quick(n):
        return n

    waiting = [asyncio.create_task(call_back(dashboard, "stuck.children")) for _ in range(2)]
    await asyncio.sleep(0)
    while dashboard.app._threads._free._value:
        await asyncio.sleep(0.01)
    refused = await call_back(dashboard, "stuck.children")
    assert (refused.status_code, "all 2 threads" in refused.json()["detail"]) == (503, True)
    assert int(refused.headers["retry-after"]) > 0
    assert (await call_back(dashboard, "quick.children")).status_code == 200
    async with client(dashboard) as http:
        assert (await http.get("/livez")).status_code == 200
    release.set()
    assert [answer.status_code for answer in await asyncio.gather(*waiting)] == [200, 200]
    assert (await call_back(dashboard, "stuck.children")).status_code == 200


def test_a_callback_that_never_ends_does_not_hold_the_exit():
    code = """
import asyncio, time
from main.monitoring.dashboards.v2.callback_threads import CallbackThreads
async def main():
    asyncio.create_task(CallbackThreads(1, 1).run(lambda: time.sleep(600)))
    await asyncio.sleep(0.1)
asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", code], timeout=30, check=False)
    assert ended.returncode == 0


async def test_a_callback_that_waits_for_a_silent_database_ends_by_our_limit_and_is_logged_with_its_request():
    async def silence(reader, writer):
        with contextlib.suppress(asyncio.CancelledError):
            await reader.read()
        writer.close()

    silent = await asyncio.start_server(silence, "127.0.0.1", 0)
    address = Address("127.0.0.1", silent.sockets[0].getsockname()[1], "nothing", "nobody", tls="disable")
    limits = {"database.connect_timeout": 1, "database.statement_timeout": 1}
    settings = load_settings(limits, env={})
    waiting = TradingDashboardV2(address, settings=settings, panels=[panel(lambda a, s: html.Div("x"))])

    async def fetch():
        async with waiting.db_pool.acquire() as connection:
            return await connection.fetchval("SELECT 1")

    @waiting.app.callback(Output("money", "children"), [Input("interval-component", "n_intervals")])
    def money(n):
        return waiting._run_async(fetch())

    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        answered = await asyncio.wait_for(call_back(waiting, "money.children"), 10)
    await asyncio.to_thread(waiting._bridge.stop)
    silent.close()
    assert answered.status_code == 503
    (line,) = [line for line in lines if line["event"] == "callback failed"]
    assert line["request_id"] == answered.headers["x-request-id"] == answered.json()["request_id"]


async def test_a_coroutine_callback_is_awaited_on_the_loop(dashboard):
    loop = asyncio.get_running_loop()

    @dashboard.app.callback(Output("fast", "children"), [Input("interval-component", "n_intervals")])
    async def fast(n):
        return asyncio.get_running_loop() is loop

    assert (await call_back(dashboard, "fast.children")).json()["response"]["fast"]["children"] is True


async def test_a_failing_callback_is_answered_with_500(dashboard):
    @dashboard.app.callback(Output("bad", "children"), [Input("interval-component", "n_intervals")])
    def bad(n):
        raise LookupError("nothing there")

    answered = await call_back(dashboard, "bad.children")
    assert answered.status_code == 500
    assert "nothing there" not in answered.text


def test_run_async_on_its_own_loop_is_refused(dashboard):
    async def inner():
        return 1

    async def outer():
        return dashboard._run_async(inner())

    try:
        with pytest.raises(CallbackOnLoop):
            dashboard._run_async(outer())
        assert dashboard._run_async(inner()) == 1
    finally:
        dashboard._bridge.stop()


def test_a_figure_and_a_component_are_encoded_under_their_names():
    assert encoded(lambda a, s: {"data": [], "layout": {}}) == {"figure": {"data": [], "layout": {}}}
    drawn = encoded(lambda a, s: html.Div(html.B(a[READ].value)))
    assert drawn["children"]["props"]["children"]["props"]["children"] == 7
    both = encoded(lambda a, s: Picture(components.reading("7"), {"data": []}))
    assert set(both) == {"figure", "children"}
    assert encoded(lambda a, s: html.Div(), caption=lambda a, s: "USD")["subtitle"] == "USD"


def test_a_drawing_that_fails_is_an_error_panel():
    def draw(answers, scope):
        raise ZeroDivisionError("by <img onerror=x>")

    drawn = encoded(draw)
    assert drawn["broken"] is True
    assert "This panel failed" in orjson.dumps(drawn).decode()


def test_a_read_that_never_answered_is_not_drawn_as_empty():
    def draw(answers, scope):
        raise AssertionError("not called")

    away = encoded(draw, answer(None, state=State.UNREACHABLE, error="no connection"))
    assert "database cannot be reached" in orjson.dumps(away).decode()
    failed = encoded(draw, answer(None, state=State.ERROR, error="column x does not exist"))
    assert "column x does not exist" in orjson.dumps(failed).decode()


def test_an_unknown_panel_names_the_known_ones():
    with pytest.raises(UnknownName, match="number"):
        PanelEncoder([panel(None)]).asks("numbre")


@pytest.mark.parametrize(
    ("amount", "text", "tone"),
    [(971.8, "+971.80", "profit"), (-312.6, "−312.60", "loss"), (0, "0.00", "flat"), (-0.001, "0.00", "flat")],
)
def test_money_is_coloured_by_what_is_written(amount, text, tone):
    span = components.signed_money(amount)
    assert span.children[-1] == text
    assert tone in span.className.split()
    assert (len(span.children) == 2) == (tone != "flat")


def test_an_unknown_amount_is_a_dash_and_never_zero():
    assert components.signed_money(None).children == "—"
    assert components.signed_money(float("nan")).children == "—"


def test_a_row_that_does_not_fit_its_columns_is_named():
    with pytest.raises(ValueError, match="row 'XLK' has 1 cells, expected 2"):
        table([Column("Symbol"), Column("Value")], [Row("XLK", ["XLK"])], label="Positions")


async def test_the_font_is_not_fetched_again_at_every_visit(dashboard):
    dashboard.app.ready()
    async with client(dashboard) as http:
        address = re.search(r'href="([^"]*woff2)"', (await http.get("/overview")).text)[1]
        font = await http.get(address, headers={"accept-encoding": "br"})
    assert font.headers["cache-control"] == "public, max-age=2592000"
