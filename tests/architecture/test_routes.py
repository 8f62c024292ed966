"""Every route of a dashboard in one golden table: what exists, and who may use it.

A route that is new, also one that a library brings, fails here until somebody has decided on its access.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from dash import Dash, html
from fastapi import FastAPI
from starlette.routing import Mount

from main.config import Settings
from main.database.address import Address
from main.monitoring.api.app import create_app, protect
from main.monitoring.api.named import named_rules
from main.monitoring.dashboards.v2 import MonitoringDashboardV2, SystemDashboardV2, TradingDashboardV2
from main.security.guard import Guard
from main.security.policy import WEBSOCKET, Policy, dashboard_policy, service_policy
from main.telemetry.metrics import Metrics
from main.telemetry.probes import ProbeApp

DENIED = "denied"

GOLDEN = {
    ("GET", "/"): "viewer",
    ("GET", "/api/reads"): "viewer",
    ("GET", "/api/reads/{name}"): "viewer",
    ("GET", "/api/export/{name}"): "viewer",
    ("GET", "/api/balance"): "viewer",
    ("GET", "/api/balance/history"): "viewer",
    ("GET", "/api/cumulative-pnl"): "viewer",
    ("GET", "/api/daily-stats"): "viewer",
    ("GET", "/api/market/current"): "viewer",
    ("GET", "/api/market/orderbook"): "viewer",
    ("GET", "/api/market/spread_history"): "viewer",
    ("GET", "/api/market/volatility"): "viewer",
    ("GET", "/api/metrics"): "viewer",
    ("GET", "/api/orders"): "viewer",
    ("GET", "/api/performance/metrics"): "viewer",
    ("GET", "/api/performance/pnl_breakdown"): "viewer",
    ("GET", "/api/performance/unrealized_pnl"): "viewer",
    ("GET", "/api/pnl-calendar"): "viewer",
    ("GET", "/api/positions"): "viewer",
    ("GET", "/api/stats"): "viewer",
    ("GET", "/api/status"): "viewer",
    ("GET", "/api/system/health"): "viewer",
    ("GET", "/api/trades"): "viewer",
    ("POST", "/api/alerts/acknowledge"): "operator",
    ("PUT", "/api/trades/notes"): "operator",
    ("POST", "/api/balance"): "internal",
    ("POST", "/api/record"): "internal",
    ("GET", "/assets/{file:path}"): "viewer",
    ("GET", "/health"): "viewer",
    ("GET", "/livez"): "public",
    ("GET", "/metrics"): "viewer",
    ("GET", "/openapi.json"): "viewer",
    ("GET", "/readyz"): "public",
    ("GET", "/status"): "viewer",
    ("GET", "/v2"): "viewer",
    ("GET", "/_dash-component-suites/{package_name}/{fingerprinted_path:path}"): "viewer",
    ("GET", "/_dash-dependencies"): "viewer",
    ("GET", "/_dash-layout"): "viewer",
    ("GET", "/_favicon.ico"): "viewer",
    ("GET", "/_reload-hash"): "viewer",
    ("POST", "/_dash-update-component"): "viewer",
    (WEBSOCKET, "/ws"): "viewer",
    # There, and shut: Dash's own socket has no limit to its queue; everything else under /api/ is nothing.
    (WEBSOCKET, "/_dash-ws-callback"): DENIED,
    **{(method, "/api/{path:path}"): DENIED for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")},
}
GOLDEN_SERVICE = {
    ("GET", "/health"): "viewer",
    ("GET", "/livez"): "public",
    ("GET", "/metrics"): "viewer",
    ("GET", "/readyz"): "public",
    ("GET", "/status"): "viewer",
}
ABOUT_THE_SUITE = {"/api/reads", "/api/reads/{name}", "/api/export/{name}", "/api/status", "/api/system/health"}
"""What can be asked on the system dashboard too; what is about money is asked where the accounts are shown."""
GOLDEN_BUNDLES = {
    ("GET", "/assets/page.css"): "viewer",
    ("GET", "/assets/page.js"): "viewer",
    ("GET", "/assets/plotly.LICENSE.txt"): "viewer",
    ("GET", "/assets/plotly.min.js"): "viewer",
}
GOLDEN_COMPOSED = {
    ("GET", "/api/pages"): "viewer",
    ("GET", "/api/pages/{page}"): "viewer",
    ("PUT", "/api/pages/{page}"): "operator",
    ("DELETE", "/api/pages/{page}"): "operator",
    ("GET", "/api/panels"): "viewer",
    ("GET", "/api/panels/frames"): "viewer",
    ("GET", "/pages/{name}"): "viewer",
    ("GET", "/pages/{name}/edit"): "viewer",
}
"""Composed pages, on every dashboard; whoever opens the composer saves only as an operator."""
GOLDEN_SOCKET_IO = {(method, "/socket.io/"): "viewer" for method in ("GET", "POST", WEBSOCKET)}
"""Where the accounts are shown, programs outside hear of their changes."""
GOLDEN_PAGES = {
    MonitoringDashboardV2: {"/wallboard", "/tabs/{name}"},
    TradingDashboardV2: {
        "/overview",
        "/trading",
        "/performance",
        "/risk",
        "/execution",
        "/models",
        "/market",
        "/trades",
        "/alerts",
        "/tabs/{name}",
    },
    SystemDashboardV2: {
        "/system-health",
        "/infrastructure",
        "/database",
        "/pipelines",
        "/services",
        "/events-logs",
        "/storage",
        "/tabs/{name}",
    },
}
"""Pages that there may be; each is there from its first panel on."""
PROBES = ProbeApp("trading", status=dict, registry=Metrics("trading", "0").registry)


async def stream(page: Any) -> None:
    """Nobody connects here."""


def nothing() -> Any:
    raise AssertionError("no question is asked in these tests")


@pytest.fixture
def app(tmp_path: Any) -> FastAPI:
    (tmp_path / "assets").mkdir()
    served = create_app(
        title="t",
        version="0",
        lifespan=None,
        hub=nothing,
        directory=nothing,
        intake=nothing,
        exports=nothing,
        stream=stream,
        probes=PROBES,
    )
    dash = Dash(__name__, server=served, enable_mcp=False, assets_folder=str(tmp_path / "assets"))
    dash.layout = html.Div()
    dash._setup_server()
    protect(served, dashboard_policy((), *named_rules()), csp_hashes=dash.csp_hashes)
    return served


def routes_of(routes: Any) -> Iterator[tuple[str, str]]:
    for route in routes:
        inner = getattr(route, "original_router", None)  # what FastAPI makes of include_router
        if inner is not None:
            yield from routes_of(inner.routes)
        elif isinstance(route, Mount):
            yield "GET", f"{route.path}/{{file:path}}"
        else:
            methods = getattr(route, "methods", None) or {WEBSOCKET}
            yield from ((method, route.path) for method in methods if method != "HEAD")


def access(policy: Policy, method: str, path: str) -> str:
    concrete = path
    for placeholder, text in {
        "{name}": "equity",
        "{page}": "night",
        "{package_name}": "dash",
        "{fingerprinted_path:path}": "deps/a.js",
        "{file:path}": "live.js",
        "{path:path}": "nope",
    }.items():
        concrete = concrete.replace(placeholder, text)
    rule = policy.rule_for(concrete, method)
    return rule.access if rule is not None else DENIED


def test_every_route_of_a_dashboard_is_in_the_golden_table_with_its_access(app: FastAPI) -> None:
    policy = dashboard_policy((), *named_rules())
    assert {each: access(policy, *each) for each in routes_of(app.router.routes)} == GOLDEN


@pytest.mark.parametrize("dashboard", GOLDEN_PAGES, ids=lambda dashboard: str(dashboard.__name__))
def test_every_route_of_the_real_dashboards_is_in_the_golden_table_with_its_access(dashboard: Any) -> None:
    served = dashboard(Address("127.0.0.1", 1, "ai_trader", "ai_trader"), settings=Settings()).server
    assert served.user_middleware[0].cls is Guard
    policy = served.user_middleware[0].args[0]()
    expected = {each: kind for each, kind in GOLDEN.items() if each != (WEBSOCKET, "/_dash-ws-callback")}
    if dashboard is SystemDashboardV2:
        expected = {
            (method, path): kind
            for (method, path), kind in expected.items()
            if method != "GET" or not path.startswith("/api/") or path in ABOUT_THE_SUITE or kind == DENIED
        }
    found = {each: access(policy, *each) for each in routes_of(served.router.routes)}
    expected |= GOLDEN_COMPOSED | GOLDEN_BUNDLES
    expected |= {} if dashboard is SystemDashboardV2 else GOLDEN_SOCKET_IO
    expected |= {("GET", path): "viewer" for path in GOLDEN_PAGES[dashboard] if ("GET", path) in found}
    assert found == expected


def test_every_route_of_a_service_is_in_the_golden_table_with_its_access() -> None:
    policy = service_policy()
    assert {("GET", path): access(policy, "GET", path) for path in PROBES.paths} == GOLDEN_SERVICE
    assert len(policy.rules) == len(GOLDEN_SERVICE)


def test_the_policy_lists_nothing_that_is_not_there(app: FastAPI) -> None:
    there = set(routes_of(app.router.routes))
    listed = {(method, rule.path) for rule in dashboard_policy((), *named_rules()).rules for method in rule.methods}
    assert listed <= there


def test_the_guard_is_the_outermost_of_all_middleware(app: FastAPI) -> None:
    assert app.user_middleware[0].cls is Guard


def test_a_route_that_somebody_adds_is_denied_until_it_is_listed(app: FastAPI) -> None:
    @app.get("/api/secret")
    async def secret() -> str:
        return "everything"

    found = {each: access(dashboard_policy((), *named_rules()), *each) for each in routes_of(app.router.routes)}
    assert found["GET", "/api/secret"] == DENIED
    assert found != GOLDEN
