"""The route table: what it covers, and that no second spelling of a path slips through."""

import pytest

from main.errors import ConfigurationError
from main.security.binding import check_binding, is_loopback
from main.security.policy import WEBSOCKET, Policy, Rule, dashboard_policy, service_policy

POLICY = dashboard_policy(("/performance",))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("HEAD", "/"),
        ("GET", "/performance"),
        ("GET", "/livez"),
        ("GET", "/api/reads"),
        ("GET", "/api/reads/equity"),
        ("GET", "/_dash-component-suites/dash/dcc/dash_core_components.v4_4_1m1700000000.js"),
        ("GET", "/_dash-component-suites/plotly/package_data/plotly.min.js"),
        ("POST", "/_dash-update-component"),
        ("GET", "/assets/live.js"),
        (WEBSOCKET, "/ws"),
    ],
)
def test_what_the_table_lists_is_admitted(method: str, path: str) -> None:
    assert POLICY.rule_for(path, method) is not None


@pytest.mark.parametrize(
    "path",
    [
        "/nope",
        "/api",
        "/api/",
        "/api/reads/",
        "/api/reads/a/b",
        "/api/reads/..",
        "/api/reads/../../x",
        "/API/reads",
        "/Livez",
        "//livez",
        "/livez/",
        "/./livez",
        "/assets",
        "/assets/",
        "/assets/../secret",
        "/assets/..",
        "/assets/x/../../etc/passwd",
        "/assets//x.js",
        "/assets/./x.js",
        "/assets/x/.",
        "/assets/%2e%2e/secret",
        "/assets/..\\secret",
        "/assets/x\x00.js",
        "/assets/x\n",
        "/assets/x y.js",
        "/assets/é.js",
        "/livez\n",
        "/_dash-component-suites/dash",
        "/_dash-component-suites/../x",
        "/_dash-ws-callback",
        "livez",
        "",
        "*",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", WEBSOCKET])
def test_any_other_path_or_spelling_is_denied(path: str, method: str) -> None:
    assert POLICY.rule_for(path, method) is None
    assert POLICY.methods_of(path) == ()


def test_a_listed_path_admits_only_its_methods_and_says_which() -> None:
    assert POLICY.rule_for("/_dash-update-component", "GET") is None
    assert POLICY.methods_of("/_dash-update-component") == ("POST",)
    assert POLICY.methods_of("/livez") == ("GET", "HEAD")
    assert POLICY.rule_for("/ws", "GET") is None
    assert POLICY.methods_of("/ws") == ()


def test_a_service_has_probes_and_what_it_adds_and_no_pages() -> None:
    policy = service_policy(Rule("/control/stop", ("POST",), "internal"))
    assert policy.rule_for("/control/stop", "POST") is not None
    assert policy.rule_for("/livez", "GET") is not None
    assert policy.rule_for("/", "GET") is None


def test_a_route_listed_twice_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match="GET /a twice"):
        Policy((Rule("/a", ("GET",), "public"), Rule("/a", ("GET",), "viewer")))


def test_dots_in_a_rule_are_dots() -> None:
    assert Policy((Rule("/a.b", ("GET",), "public"),)).rule_for("/axb", "GET") is None


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.9.10", "::1", "[::1]", "localhost", "LOCALHOST", "::ffff:127.0.0.1"]
)
def test_a_loopback_address_may_be_listened_on_without_users(host: str) -> None:
    check_binding(host, users_exist=False)
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "", "10.0.0.7", "example.com", "localhost.example.com", "127.1.evil"]
)
def test_any_other_address_needs_users_and_the_refusal_says_why_and_what_to_do(host: str) -> None:
    with pytest.raises(ConfigurationError, match=r"dashboards\.host.*loopback.*every account.*ssh -L") as refused:
        check_binding(host, users_exist=False, setting="dashboards.host")
    assert refused.value.exit_code == 2
    check_binding(host, users_exist=True)
