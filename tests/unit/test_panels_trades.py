"""What the Trades page draws: the trades that match, what all of them came to, and one of them in full."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from main.analytics.figure import Figure, missing
from main.domain.scope import Scope
from main.errors import ConfigurationError
from main.monitoring.api.question import question
from main.monitoring.closed_trade import ClosedTrade
from main.monitoring.dashboards.v2.chosen import wanted
from main.monitoring.paging import Paged
from main.monitoring.reads import pnl_by, trade, trades
from main.monitoring.reads.pnl_by import PnlByParams
from main.monitoring.reads.trades import TradesPage, TradesSummary
from tests.drawing import NOW, PANELS, SCOPE, drawn, filled, words

HOSTILE = "<img onerror=alert(1)>"


def closed(**given: Any) -> ClosedTrade:
    values = {
        "id": "A/sim/t1",
        "account": "A",
        "label": "Maker",
        "currency": "USD",
        "symbol": "BTC-USD",
        "side": "long",
        "quantity": Decimal("0.5"),
        "entry_price": Decimal(100),
        "exit_price": Decimal(110),
        "pnl": Decimal("4.75"),
        "gross_pnl": Decimal(5),
        "fees": Decimal("0.25"),
        "hold_seconds": 90.0,
        "entry_time": NOW - timedelta(seconds=90),
        "tags": [],
        "revision": 0,
    }
    return filled(ClosedTrade, **(values | given))


def summary(**given: Any) -> TradesSummary:
    values = {
        "currency": "USD",
        "total_trades": 3,
        "wins": 2,
        "losses": 1,
        "break_evens": 0,
        "net_pnl": Decimal("12.5"),
        "gross_pnl": Decimal(14),
        "fees": Decimal("1.5"),
        "total_profit": Decimal(20),
        "total_loss": Decimal("-7.5"),
        "win_rate": Figure(0.6667),
        "profit_factor": Figure(2.67),
        "expectancy": Figure(4.17),
    }
    return filled(TradesSummary, **(values | given))


def page(*items: ClosedTrade, total: int | None = None, offset: int = 0, summaries: Any = None) -> trades.TradesFound:
    return Paged(list(items), len(items) if total is None else total, 50, offset, summaries or [summary()])


def attributes(node: Any, name: str) -> list[str]:
    """Every value of an attribute in a drawing, in reading order."""
    if isinstance(node, list):
        return [each for part in node for each in attributes(part, name)]
    if not isinstance(node, dict):
        return []
    props = node.get("props", {})
    own = [props[name]] if name in props else []
    return own + attributes(props.get("children"), name)


def test_what_all_matching_trades_came_to_stands_above_the_page_of_them() -> None:
    said = words(drawn("trades", (trades.READ, page(closed(), total=3))))
    for expected in (
        "Trades 3 2 won, 1 lost",
        "Net P&L +12.50 gross +14.00",
        "Win rate 66.7%",
        "Profit factor 2.67 +20.00 against −7.50",
        "BTC-USD Long 0.5 100.00 110.00 +4.75 0.25 1 m 30 s",
        "1–1 of 3",
    ):
        assert expected in said


def test_currencies_have_a_band_each_and_their_column() -> None:
    both = [summary(), summary(currency="EUR", net_pnl=Decimal(-1))]
    said = words(drawn("trades", (trades.READ, page(closed(), closed(currency="EUR"), summaries=both))))
    assert said.index("USD") < said.index("EUR") < said.index("Symbol")
    assert "Currency" in said


def test_the_choices_become_the_page_that_the_read_is_asked_for() -> None:
    written = "trades?symbol=btc&side=short&exit_type=signal&size=100&page=2&sort=pnl&tag=news"
    asked = dict(wanted(PANELS["trades"], written).asks)
    assert asked[trades.READ] == TradesPage("btc", None, "signal", "short", "news", 100, 200, "pnl")
    assert asked[pnl_by.READ] == PnlByParams(by="exit_type")


@pytest.mark.parametrize("bad", ["page=-1", "page=x", "page=99999999999", "sort=price", "symbol=%00"])
def test_a_page_that_there_cannot_be_is_refused(bad: str) -> None:
    with pytest.raises(ConfigurationError):
        wanted(PANELS["trades"], f"trades?{bad}")


def test_pages_lead_to_their_neighbours_and_no_further() -> None:
    def turns(**given: Any) -> list[str]:
        children = drawn("trades", (trades.READ, page(closed(), **given)))["children"]
        return [value for value in attributes(children, "data-value") if value.isdecimal() or not value]

    assert turns(total=51) == ["1"]
    assert turns(total=51, offset=50) == [""]
    assert turns(total=151, offset=50) == ["", "2"]


def test_a_head_sorts_by_its_column_and_the_other_way_at_the_second_press() -> None:
    children = drawn("trades?sort=-pnl", (trades.READ, page(closed())))["children"]
    values = attributes(children, "data-value")
    assert "pnl" in values
    assert "-symbol" in values
    assert attributes(children, "aria-sort") == ["descending"]


def test_a_row_opens_its_trade() -> None:
    children = drawn("trades", (trades.READ, page(closed())))["children"]
    assert "A/sim/t1" in attributes(children, "data-value")
    assert "trade.id" in attributes(children, "data-choose")


def test_nothing_that_matches_is_told_from_nothing_at_all() -> None:
    assert "No trade matches" in words(drawn("trades?symbol=zzz", (trades.READ, page(total=0))))
    assert "No closed trades" in words(drawn("trades", (trades.READ, page(total=0))))


def test_the_exits_to_choose_from_are_those_that_there_were() -> None:
    parts = [filled(pnl_by.PnlPart, name=name) for name in ("stop_loss", None, "signal")]
    members = drawn("trades", (trades.READ, page(closed())), (pnl_by.READ, parts))
    assert members["offers"] == {"exit_type": ["", "signal", "stop_loss"]}


def detail(**given: Any) -> trade.TradeDetail:
    path = [filled(trade.PricePoint, at=NOW - timedelta(seconds=s), mid=100.0 + s) for s in (120, 60, 0)]
    values = {
        "trade": closed(notes=HOSTILE, tags=[HOSTILE]),
        "fills": [filled(trade.TradeFill, leg="entry", side="buy", quantity=Decimal("0.5"), price=Decimal(100))],
        "orders": [filled(trade.TradeOrder, order_id="o-1", status="filled", reason="post only")],
        "path": path,
        "mfe": Figure(0.12),
        "mae": Figure(-0.03),
        "entry_slippage_bps": Figure(1.5),
        "exit_slippage_bps": missing("the fill was not recorded"),
        "initial_stop": Decimal(95),
        "r_multiple": Figure(1.9),
        "risk": Figure(2.5),
    }
    return filled(trade.TradeDetail, **(values | given))


def test_a_trade_has_its_facts_fills_orders_and_the_price_between() -> None:
    members = drawn("trade?id=A/sim/t1", (trade.READ, detail()))
    said = words(members)
    for expected in (
        "+4.75",
        "Most favourable +12.00%",
        "Most adverse −3.00%",
        "R multiple +1.90",
        "Initial stop 95.00",
    ):
        assert expected in said
    assert "Slippage at exit —" in said
    assert "post only" in said
    assert HOSTILE in said
    marks = members["figure"]["data"][-1]
    assert marks["text"] == ["in 100.00", "out 110.00"]
    assert marks["marker"]["symbol"] == ["triangle-up", "triangle-down"]


def test_a_trade_without_recorded_prices_says_so_and_shows_the_rest() -> None:
    members = drawn("trade?id=A/sim/t1", (trade.READ, detail(path=[])))
    assert "figure" not in members
    assert "No price was recorded while it was open." in words(members)


def test_a_trade_that_is_not_there_is_said_not_to_be() -> None:
    assert "This trade is not there" in words(drawn("trade?id=A/sim/gone", (trade.READ, None)))


def links(written: str, scope: Scope = SCOPE, total: int = 120) -> list[tuple[str, dict[str, str]]]:
    """The paths and queries of the links to files."""
    members = drawn(written, (trades.READ, page(closed(), total=total)), scope=scope)
    found = [urlsplit(each) for each in attributes(members["children"], "href")]
    return [(each.path, dict(parse_qsl(each.query))) for each in found]


def test_the_whole_list_can_be_exported_with_the_filters_of_the_page_and_no_page() -> None:
    written = "trades?symbol=a%26b&side=short&tag=news&sort=pnl&page=1"
    [(path, csv), (_, parquet)] = links(written)
    assert path == "/api/export/trades"
    own = {"symbol": "a&b", "side": "short", "tag": "news", "sort": "pnl"}
    view = {"accounts": ",".join(SCOPE.accounts), "range": SCOPE.window}
    assert csv == view | own | {"format": "csv"}
    assert parquet == csv | {"format": "parquet"}
    past = replace(SCOPE, as_of=NOW, known_at=NOW, strategy="x")
    [(_, asked), _] = links("trades", past)
    assert (asked["as_of"], asked["known_at"], asked["strategy"]) == (NOW.isoformat(), NOW.isoformat(), "x")
    assert "Export all 120 rows" in words(drawn("trades", (trades.READ, page(closed(), total=120))))


def test_the_files_of_a_list_are_asked_for_as_the_api_takes_it() -> None:
    [(_, csv), _] = links("trades?symbol=a&side=short&exit_type=signal&segment=s&tag=news&sort=-pnl")
    asked = question(trades.READ, {name: text for name, text in csv.items() if name != "format"})
    assert asked.params == TradesPage("a", "s", "signal", "short", "news", sort="-pnl")


def test_a_row_has_the_first_tags_of_its_trade_and_counts_the_others() -> None:
    said = words(drawn("trades", (trades.READ, page(closed(tags=["late", HOSTILE, "a", "b"])))))
    assert f"late {HOSTILE} +2" in said


def test_a_trade_says_who_wrote_about_it_and_live_it_can_be_edited() -> None:
    note = trade.TradeNote(3, NOW, "ann")
    members = drawn("trade?id=A/sim/t1", (trade.READ, detail(note=note)))
    assert "Written by ann," in words(members)
    assert attributes(members["children"], "data-revision") == ["3"]
    assert attributes(members["children"], "data-tags") == [json.dumps([HOSTILE])]
    unwritten = drawn("trade?id=A/sim/t1", (trade.READ, detail(note=None, trade=closed())))
    assert "No notes, no tags" in words(unwritten)
    assert attributes(unwritten["children"], "data-revision") == ["0"]
    past = drawn("trade?id=A/sim/t1", (trade.READ, detail(note=note)), scope=replace(SCOPE, as_of=NOW))
    assert attributes(past["children"], "data-action") == []
