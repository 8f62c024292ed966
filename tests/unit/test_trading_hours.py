"""When exchanges trade: holidays, early closes, breaks, changed clocks."""

from datetime import UTC, datetime

import pytest

from main.monitoring.trading_hours import closed_within, trading_hours

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # how the library itself uses pandas


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_what_trades_round_the_clock_is_always_open() -> None:
    assert trading_hours("24/7", utc("2026-12-25T03:00")).state == "open"


@pytest.mark.parametrize(
    ("calendar", "moment", "state", "since", "until"),
    [
        ("XNYS", "2026-11-20T15:00", "open", "2026-11-20T14:30", "2026-11-20T21:00"),
        (
            "XNYS",
            "2026-11-20T21:00",
            "closed",
            "2026-11-20T21:00",
            "2026-11-23T14:30",
        ),  # the close is no trading minute
        ("XNYS", "2026-11-26T15:00", "closed", "2026-11-25T21:00", "2026-11-27T14:30"),  # Thanksgiving
        ("XNYS", "2026-11-27T17:59", "open", "2026-11-27T14:30", "2026-11-27T18:00"),  # the day after closes early
        ("XNYS", "2026-10-30T13:30", "open", "2026-10-30T13:30", "2026-10-30T20:00"),  # before clocks change
        ("XNYS", "2026-11-02T13:30", "closed", "2026-10-30T20:00", "2026-11-02T14:30"),  # after
        ("XHKG", "2026-11-20T04:30", "break", "2026-11-20T04:00", "2026-11-20T05:00"),
        ("XHKG", "2026-11-20T05:00", "open", "2026-11-20T05:00", "2026-11-20T08:00"),
    ],
)
def test_an_exchange_is_open_in_its_sessions(calendar: str, moment: str, state: str, since: str, until: str) -> None:
    hours = trading_hours(calendar, utc(moment))
    assert (hours.state, hours.since, hours.until) == (state, utc(since), utc(until))


def test_a_calendar_nobody_knows_is_unknown_and_says_so() -> None:
    hours = trading_hours("NOPE", utc("2026-11-20T15:00"))
    assert (hours.state, hours.reason) == ("unknown", "there is no exchange calendar NOPE")


@pytest.mark.parametrize("moment", ["0001-01-01T00:00", "1677-10-01T00:00", "2262-01-01T00:00", "9999-12-31T23:59"])
@pytest.mark.parametrize("calendar", ["XNYS", "<img onerror=alert(1)>", ""])
def test_a_moment_that_no_calendar_reaches_is_unknown_and_says_so(calendar: str, moment: str) -> None:
    hours = trading_hours(calendar, utc(moment))
    assert (hours.state, hours.since, hours.until) == ("unknown", None, None)
    assert hours.reason == f"no exchange calendar reaches the year {int(moment[:4])}"


def test_holidays_that_are_not_known_yet_make_it_unknown() -> None:
    hours = trading_hours("XBOM", utc("2090-11-20T15:00"))
    assert hours.state == "unknown"
    assert "holidays are only recorded" in hours.reason


def test_of_gaps_between_bars_only_what_no_session_is_in_is_closed() -> None:
    night = (utc("2026-11-20T21:00"), utc("2026-11-23T14:30"))  # a weekend
    outage = (utc("2026-11-23T18:00"), utc("2026-11-24T15:00"))  # from before the close until after the opening
    within = (utc("2026-11-25T15:00"), utc("2026-11-25T16:00"))
    thanksgiving = (utc("2026-11-25T20:30"), utc("2026-11-27T14:45"))
    assert closed_within("XNYS", [night, outage, within, thanksgiving]) == [
        night,
        (utc("2026-11-23T21:00"), utc("2026-11-24T14:30")),
        (utc("2026-11-25T21:00"), utc("2026-11-27T14:30")),
    ]
    lunch = (utc("2026-11-20T03:55"), utc("2026-11-20T05:00"))
    assert closed_within("XHKG", [lunch]) == [(utc("2026-11-20T04:00"), utc("2026-11-20T05:00"))]


@pytest.mark.parametrize("calendar", ["24/7", "NOPE", ""])
def test_nothing_is_called_closed_of_what_never_closes_or_is_not_known(calendar: str) -> None:
    assert closed_within(calendar, [(utc("2026-11-21T00:00"), utc("2026-11-22T00:00"))]) == []


def test_a_gap_across_new_year_is_closed_between_the_sessions_of_both_years() -> None:
    gap = (utc("2026-12-31T21:00"), utc("2027-01-04T14:30"))
    assert closed_within("XNYS", [gap]) == [gap]
    assert closed_within("XNYS", []) == []
