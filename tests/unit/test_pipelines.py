"""What is told of the data pipelines: counted rows and errors, a run a day, lag where there is any."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import structlog

from main.domain.events import Candle, Event, Instrument, MarketSnapshot, PipelineRun
from main.domain.market import Book, Tick
from main.errors import RecordRejected
from main.trading.market_journal import MarketJournal
from main.trading.pipelines import PRICES, Pipelines

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Till:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def record(self, event: Event) -> None:
        self.events.append(event)

    def runs(self, pipeline: str = PRICES) -> list[PipelineRun]:
        return [each for each in self.events if isinstance(each, PipelineRun) and each.pipeline == pipeline]


def book(symbol: str = "A", bid: int = 99) -> Book:
    return Book(symbol, (Decimal(bid),), (Decimal(1),), (Decimal(101),), (Decimal(1),))


def tick(at: datetime, *books: Book) -> Tick:
    return Tick(at, {each.symbol: each for each in books or (book(),)})


def candle(at: datetime) -> Candle:
    price = Decimal(100)
    return Candle(at=at, source="s", symbol="A", interval="1m", open=price, high=price, low=price, close=price)


def pipelines(till: Till, *, live: bool = False, late: float = 0) -> Pipelines:
    watch: dict[str, datetime] = {}
    made = Pipelines(
        till,
        "s",
        interval_seconds=3,
        live=live,
        made={MarketSnapshot: PRICES, Candle: "bars"},
        moments=lambda: watch["now"] + late * SECOND,
    )
    begin = made.begin

    def noted(each: Tick) -> None:
        watch["now"] = each.at
        begin(each)

    made.begin = noted  # type: ignore[method-assign]
    return made


def go(made: Pipelines, moments: Iterable[datetime]) -> None:
    for at in moments:
        made.begin(tick(at, book("A"), book("B")))
        for each in ("A", "B"):
            made.record(book(each).snapshot("s", at))
        made.tell()


def test_rows_are_counted_and_told_at_most_once_a_minute() -> None:
    till = Till()
    go(pipelines(till), (NOON + number * 3 * SECOND for number in range(61)))
    assert [each.at - NOON for each in till.runs()] == [0 * SECOND, 60 * SECOND, 120 * SECOND, 180 * SECOND]
    assert [(each.rows_in, each.rows_out, each.errors) for each in till.runs()][-1] == (122, 122, 0)
    assert {(each.run_id, each.status, each.kind) for each in till.runs()} == {
        ("20261120T120000.000000Z", "running", "feed")
    }


def test_what_is_made_of_prices_is_a_job_of_its_own_and_hands_everything_on() -> None:
    till = Till()
    made = pipelines(till)
    made.begin(tick(NOON))
    made.record(candle(NOON - 60 * SECOND))
    made.record(candle(NOON - 120 * SECOND))
    made.record(Instrument(at=NOON, source="s", symbol="A", currency="USD"))  # of no pipeline
    made.tell()
    (run,) = till.runs("bars")
    assert (run.kind, run.rows_in, run.rows_out, run.last_success_at) == ("job", None, 2, NOON)
    assert (run.lag_seconds, run.slo_seconds) == (None, None)
    assert len(till.events) == 3 + 2  # and the two runs


def test_a_run_is_a_utc_day_that_ends_with_its_last_tick() -> None:
    till = Till()
    midnight = datetime(2026, 11, 21, tzinfo=UTC)
    go(pipelines(till), (midnight - 2 * SECOND, midnight - SECOND, midnight, midnight + SECOND))
    ended = [each for each in till.runs() if each.finished_at is not None]
    assert [(each.finished_at, each.rows_in, each.status) for each in ended] == [(midnight - SECOND, 4, "succeeded")]
    assert till.runs()[-1].started_at == midnight
    assert till.runs()[-1].rows_in == 2


def test_the_end_is_told_once_and_nothing_when_nothing_began() -> None:
    till = Till()
    made = pipelines(till)
    made.end()
    assert till.events == []
    go(made, [NOON])
    made.end()
    made.end()
    assert [each.status for each in till.runs()] == ["running", "succeeded"]
    assert till.runs()[-1].finished_at == NOON


def test_a_restart_on_the_same_day_leaves_the_run_before_as_it_was() -> None:
    till = Till()
    for begin, ticks in ((NOON, 5), (NOON + 60 * SECOND, 2)):
        made = pipelines(till)
        go(made, (begin + number * SECOND for number in range(ticks)))
        made.end()
    newest = {each.run_id: each for each in till.runs()}
    assert [each.rows_in for each in newest.values()] == [10, 4]


def test_the_first_tick_begins_a_run_of_every_pipeline_also_of_one_that_makes_nothing_for_long() -> None:
    till = Till()
    killed = pipelines(till)
    killed.begin(tick(NOON))
    killed.record(candle(NOON))
    killed.tell()  # and no end of it
    again = pipelines(till)
    again.begin(tick(NOON + 60 * SECOND))
    again.tell()
    assert [(each.started_at, each.status, each.rows_out) for each in till.runs("bars")] == [
        (NOON, "running", 1),
        (NOON + 60 * SECOND, "running", 0),
    ]


def test_a_market_without_models_has_no_pipelines_of_models() -> None:
    till = Till()
    journal = MarketJournal(till, Broken())  # type: ignore[arg-type]
    journal.record(tick(NOON, book("A"), book("B")))
    assert {each.pipeline for each in till.events if isinstance(each, PipelineRun)} == {PRICES, "bars"}


@pytest.mark.parametrize(("late", "status"), [(0.25, "running"), (9, "running"), (9.5, "late")])
def test_prices_that_come_later_than_three_intervals_are_late(late: float, status: str) -> None:
    till = Till()
    go(pipelines(till, live=True, late=late), [NOON])
    (run,) = till.runs()
    assert (run.lag_seconds, run.slo_seconds, run.status) == (Decimal(str(late)), 9, status)


def test_a_clock_behind_the_prices_makes_no_negative_lag() -> None:
    till = Till()
    go(pipelines(till, live=True, late=-5), [NOON])
    assert till.runs()[0].lag_seconds == 0


def test_a_replay_has_neither_lag_nor_objective() -> None:
    till = Till()
    go(pipelines(till, late=1_000_000), [NOON])
    assert (till.runs()[0].lag_seconds, till.runs()[0].slo_seconds, till.runs()[0].status) == (None, None, "running")


def test_errors_are_counted_logged_once_and_the_last_is_told() -> None:
    till = Till()
    made = pipelines(till)
    made.begin(tick(NOON))
    with structlog.testing.capture_logs() as logs:
        for number in range(3):
            with made.attempt("bars"):
                raise RecordRejected("candles", "close", f"number {number}")
    made.end()
    (run,) = till.runs("bars")
    assert (run.errors, run.rows_out, run.status) == (3, 0, "failed")
    assert "number 2" in str(run.message)
    assert len(logs) == 1
    (prices,) = till.runs()
    assert (prices.errors, prices.message, prices.status) == (0, None, "succeeded")


class Broken:
    """A feed of A and B, of which B is worth nothing, or does not come."""

    source, clock, interval_seconds, notices = "s", "wall", 3.0, ()

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        return tuple(Instrument(at=NOON, source="s", symbol=symbol, currency="USD") for symbol in ("A", "B"))


class BrokenRemote(Broken):
    def __init__(self) -> None:
        self.news: list[str] = []

    async def open(self) -> None: ...

    async def close(self) -> None: ...


class FailingModel:
    """A model that cannot."""

    name, version, kind, unit, horizon_seconds = "m", "1", "k", "return", 60
    parameters: dict[str, object] = {}  # noqa: RUF012

    def turn(self, tick: Tick) -> Iterator[None]:
        raise ZeroDivisionError("no variance")


def test_what_cannot_be_recorded_of_a_tick_is_counted_and_all_else_is_recorded() -> None:
    till = Till()
    journal = MarketJournal(till, Broken(), models=[FailingModel()])  # type: ignore[arg-type, list-item]
    bad = Tick(NOON, {"B": book("B", bid=-1000), "A": book("A")}, rates={("EUR", "USD"): Decimal(0)})
    journal.record(bad)
    assert [each.symbol for each in till.events if isinstance(each, MarketSnapshot)] == ["A"]
    journal.end()
    prices = till.runs()[-1]
    assert (prices.rows_in, prices.rows_out, prices.errors, prices.status) == (2, 1, 2, "succeeded")
    models = till.runs("model-predictions")[-1]
    assert (models.errors, models.status, models.message) == (1, "failed", "ZeroDivisionError: no variance")


def test_books_that_a_remote_feed_does_not_give_are_errors_and_gaps_of_a_recording_are_none() -> None:
    for feed, errors, message in ((BrokenRemote(), 2, "no book of B"), (Broken(), 0, None)):
        till = Till()
        journal = MarketJournal(till, feed)  # type: ignore[arg-type]
        journal.record(tick(NOON, book("A")))
        journal.record(tick(NOON + SECOND, book("A")))
        journal.end()
        run = till.runs()[-1]
        assert (run.errors, run.message, run.status) == (errors, message, "succeeded")


def test_a_feed_that_broke_ends_its_run_as_failed() -> None:
    till = Till()
    journal = MarketJournal(till, Broken())  # type: ignore[arg-type]
    journal.record(tick(NOON, book("A"), book("B")))
    journal.fail(ConnectionResetError("gone"))
    journal.end()
    assert (till.runs()[-1].status, till.runs()[-1].message) == ("failed", "ConnectionResetError: gone")
