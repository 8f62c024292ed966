"""How answers look in a terminal: by their fields' units, within its width, nothing left out unsaid."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from main.analytics.figure import Figure, missing
from main.cli.show_blocks import blocks
from main.cli.show_cells import Cells
from main.cli.show_table import ENDLESS, printed
from main.monitoring.paging import Paged
from main.monitoring.reads.correlation import CorrelationMatrix
from main.monitoring.reads.equity import EquityPoint
from main.monitoring.reads.exposure import SymbolWeight

START = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
CELLS = Cells(ZoneInfo("America/New_York"))


@dataclass(frozen=True, slots=True)
class Line:
    """A row with a field of most kinds."""

    account: str
    at: datetime
    price: Decimal
    tick: Decimal | None
    net_pnl: Decimal | None
    win_rate: Figure
    bps: float | None
    limit_bytes: int


@dataclass(frozen=True, slots=True)
class Holder:
    """A row with rows inside."""

    currency: str
    symbols: list[SymbolWeight]


def line(account: str = "A", **values: object) -> Line:
    known: dict[str, object] = {
        "at": START,
        "price": Decimal("1.5"),
        "tick": Decimal("0.001"),
        "net_pnl": Decimal(-3),
        "win_rate": Figure(0.25),
        "bps": 1.5,
        "limit_bytes": 2_000_000,
    }
    return Line(account, **(known | values))  # type: ignore[arg-type]  # each of its own kind


def shown(value: object, width: int = ENDLESS) -> str:
    return "\n\n".join(printed(block, CELLS, width) for block in blocks(value))


def test_every_value_is_written_by_its_unit_in_the_zone() -> None:
    lines = shown([line("A"), line("B", price=Decimal("12.25"))]).splitlines()
    assert lines[0].split() == ["account", "at", "price", "net_pnl", "win_rate", "bps", "limit_bytes"]
    assert lines[1].split("  ")[0] == "A"
    for words in ("2026-11-20 09:00:00", "1.500", "−3.00", "25.00%", "1.50 bps", "2.00 MB"):
        assert words in lines[1]
    assert "12.250" in lines[2]


def test_what_is_not_known_is_a_dash_and_its_reason_stands_below_once() -> None:
    unknown = missing("no trades")
    text = shown([line("A", win_rate=unknown), line("B", win_rate=unknown), line("C")])
    assert text.count("— win_rate: no trades") == 1
    assert "— (no trades)" in shown(line(win_rate=unknown))


def test_what_is_the_same_text_in_all_rows_is_said_once_and_what_nobody_knows_is_left_out() -> None:
    text = shown([line("A", bps=None), line("A", bps=None, price=Decimal(2))])
    assert text.splitlines()[0] == "account A"
    assert "bps" not in text


@given(st.integers(10, 200), st.integers(1, 12))
def test_no_line_is_wider_than_the_terminal_and_what_does_not_fit_is_named(width: int, count: int) -> None:
    rows = [line(f"account-{number}") for number in range(count)]
    text = shown(rows, width)
    names = ("account", "at", "price", "net_pnl", "win_rate", "bps", "limit_bytes")
    assert [name for name in names if name not in text] == []
    table = [each for each in text.splitlines() if not each.startswith("too wide for here")]
    assert width < 40 or max(len(each) for each in table) <= width


def test_a_terminal_obeys_no_control_character_of_a_name() -> None:
    text = shown([line("\x1b[31mred\u202e"), line("B")])
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\x1b[31mred\\x202e" in text


def test_a_page_says_which_part_of_the_list_it_is_and_has_its_summary_below() -> None:
    page = Paged([line("A"), line("B")], total=12_345, limit=2, offset=50, summary=line("all"))
    first, second = blocks(page)
    assert first.place == "51–52 of 12,345"
    assert (second.title, second.one) == ("summary", True)
    assert blocks(Paged([], total=0, limit=2, offset=0))[0].place == "none of 0"


def test_rows_inside_of_rows_are_a_table_of_their_own_that_says_whose_they_are() -> None:
    weight = SymbolWeight("X", Decimal(5), Decimal(-5), 1.0)
    outer, inner = blocks([Holder("USD", [weight]), Holder("EUR", [weight])])
    assert [row["currency"] for row in outer.rows] == ["USD", "EUR"]
    assert inner.title == "symbols"
    assert [(row["currency"], row["symbol"]) for row in inner.rows] == [("USD", "X"), ("EUR", "X")]


def test_a_matrix_has_every_name_beside_every_other() -> None:
    cells = [[Figure(1.0), missing("needs 30 common days, has 2")], [missing("needs 30 common days, has 2"), Figure(1)]]
    matrix = CorrelationMatrix("USD", "symbol", START.date(), START.date(), 2, ["X", "Y"], cells)
    lines = shown([matrix]).splitlines()
    assert lines[1].split() == ["X", "Y"]
    assert lines[2].split() == ["X", "1.00", "—"]
    assert lines[-1] == "— needs 30 common days, has 2"


@pytest.mark.parametrize("count", [41, 400])
def test_a_long_series_is_told_by_its_course_and_some_points_the_ends_among_them(count: int) -> None:
    points = [
        EquityPoint(currency, START + number * timedelta(minutes=1), 100.0 + number, None, None)
        for currency in ("EUR", "USD")
        for number in range(count)
    ]
    text = shown(points)
    assert text.count("▁") >= 2
    assert f"100.00 … {99 + count}.00, last {99 + count}.00" in text
    rows = [each for each in text.splitlines() if each.startswith(("EUR  ", "USD  "))]
    assert len(rows) == 20
    assert rows[0].endswith("100.00")
    assert rows[-1].endswith(f"{99 + count}.00")
    assert len([each for each in shown(points[:40]).splitlines() if "2026-11-20" in each]) == 40
