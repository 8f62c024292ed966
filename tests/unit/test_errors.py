"""The error tree: codes, messages that name the fix, suggestions."""

import inspect
from datetime import UTC, datetime

import pytest

from main import errors
from main.errors import (
    AITraderError,
    ConfigurationError,
    DatabaseError,
    DatabaseUnreachable,
    PortInUse,
    Problem,
    RecordRejected,
    UnknownName,
    did_you_mean,
)

TREE = [error for _, error in inspect.getmembers(errors, inspect.isclass) if issubclass(error, AITraderError)]


@pytest.mark.parametrize("error", TREE, ids=lambda error: error.__name__)
def test_every_error_is_drawn_in_the_tree_and_says_what_the_user_does(error: type[AITraderError]) -> None:
    assert error is AITraderError or f"── {error.__name__} " in (errors.__doc__ or "")
    assert ":" in inspect.cleandoc(error.__doc__ or "")


@pytest.mark.parametrize("error", TREE, ids=lambda error: error.__name__)
def test_the_drawn_exit_codes_are_the_real_ones(error: type[AITraderError]) -> None:
    line = next(line for line in (errors.__doc__ or "").splitlines() if f"{error.__name__} " in line)
    drawn = int(line.split("exit ")[1].split()[0]) if "exit " in line else error.__base__.exit_code  # type: ignore[union-attr]
    assert error.exit_code == drawn


def test_a_configuration_error_carries_and_prints_every_problem() -> None:
    problems = [Problem("70000", "a port", key="dashboards.trading.port", file="d.yaml", line=3), Problem("x", "y")]
    error = ConfigurationError(problems)
    assert error.problems == tuple(problems)
    assert error.message == "d.yaml:3 dashboards.trading.port: got 70000, expected a port\ngot x, expected y"
    assert ConfigurationError(problems[0]).problems == (problems[0],)


def test_a_problem_without_a_line_names_its_place_only() -> None:
    problem = Problem("x", "a number", key="DB_PORT", file="environment", hint="say 5432")
    assert str(problem) == "environment DB_PORT: got x, expected a number; say 5432"


def test_an_unknown_name_suggests_the_nearest_and_lists_all() -> None:
    error = UnknownName("feed", "Reply", ["sim", "replay"])
    assert error.message == 'unknown feed "Reply"; did you mean "replay"? (known: replay, sim)'
    assert UnknownName("feed", "zzzz", ["sim"]).message == 'unknown feed "zzzz"; known: sim'
    assert UnknownName("feed", "zzzz", []).message == 'unknown feed "zzzz"; none is known here'


def test_a_suggestion_keeps_the_case_of_the_known_name() -> None:
    assert did_you_mean("db_prot", ["DB_PORT", "DB_HOST"]) == 'did you mean "DB_PORT"?'
    assert did_you_mean("quite different", ["DB_PORT"]) == ""


def test_a_port_in_use_names_port_owner_and_setting() -> None:
    message = PortInUse(8080, "nginx, pid 17", setting="TRADING_DASHBOARD_PORT").message
    assert [part for part in ("8080", "nginx, pid 17", "TRADING_DASHBOARD_PORT") if part not in message] == []
    assert "may not look at" in PortInUse(80).message


def test_an_unreachable_database_says_since_when_and_when_it_is_tried_again() -> None:
    since = datetime(2026, 11, 20, 14, 32, 5, tzinfo=UTC)
    error = DatabaseUnreachable("127.0.0.1:5432/ai_trader", "connection refused", since=since, retry_seconds=2)
    assert isinstance(error, DatabaseError)
    assert "since 2026-11-20 14:32:05 UTC" in error.message
    assert "next attempt in 2 s" in error.message


def test_a_rejected_record_shows_a_huge_value_cut_short() -> None:
    error = RecordRejected("symbol", "x" * 10_000, "expected at most 64 characters")
    assert len(error.message) < 200
    assert error.field == "symbol"
