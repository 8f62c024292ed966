"""What the panels of the page Trading draw: figures, unknown values, nothing, many, and names that would be markup."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from main.analytics.figure import Figure, missing
from main.monitoring.dashboards.v2.chosen import wanted
from main.monitoring.dashboards.v2.encoder import PanelEncoder
from main.monitoring.dashboards.v2.layout import Shell
from main.monitoring.dashboards.v2.navigation import TRADING_PAGES
from main.monitoring.dashboards.v2.panel import Answers, Panel, panels_of
from main.monitoring.paging import Paged
from main.monitoring.reads import (
    account_totals,
    bots,
    candles,
    day_prices,
    exposure,
    fills,
    market_current,
    market_hours,
    open_alerts,
    order_book,
    order_events,
    orders,
    positions,
    spread_history,
    volatility,
)
from tests.drawing import NOW, PANELS, SCOPE, answer, bot, drawn, filled, words
from tests.unit.test_panels import TOTAL, position

HOSTILE = "<img src=x onerror=alert(1)>"
MINUTE = timedelta(minutes=1)
NAMES = [panel.name for panel in PANELS.values() if panel.page == "Trading"]


def market(symbol: str = "SPY", **given: Any) -> market_current.MarketSymbol:
    values = {
        "symbol": symbol,
        "source": "sim",
        "currency": "USD",
        "tick": Decimal("0.01"),
        "quantity_step": Decimal(1),
    }
    return filled(market_current.MarketSymbol, **(values | given))


def book(**given: Any) -> order_book.OrderBook:
    def side(*pairs: tuple[str, int]) -> tuple[order_book.Level, ...]:
        return tuple(
            order_book.Level(Decimal(price), Decimal(size), Decimal(sum(each for _, each in pairs[: index + 1])))
            for index, (price, size) in enumerate(pairs)
        )

    values = {
        "symbol": "SPY",
        "currency": "USD",
        "tick": Decimal("0.01"),
        "quantity_step": Decimal(1),
        "mid_price": Decimal("690.12"),
        "spread_bps": Decimal("0.29"),
        "bid_depth": Decimal(1592),
        "ask_depth": Decimal(1255),
        "bids": side(("690.11", 412), ("690.10", 1180)),
        "asks": side(("690.13", 365), ("690.14", 890)),
        "imbalance": Figure(0.118),
    }
    return filled(order_book.OrderBook, **(values | given))


def order(**given: Any) -> orders.OrderState:
    values = {
        "order_id": "o1",
        "symbol": "SPY",
        "side": "buy",
        "status": "accepted",
        "quantity": Decimal(20),
        "filled_quantity": Decimal(8),
        "remaining_quantity": Decimal(12),
        "progress": 0.4,
        "price": Decimal("690.10"),
        "tick": Decimal("0.01"),
        "label": "Maker US",
    }
    return filled(orders.OrderState, **(values | given))


def page(*items: Any, total: int | None = None, summary: Any = None) -> Paged[Any, Any]:
    return Paged(list(items), len(items) if total is None else total, 50, 0, summary)


def bars(*closes: float) -> candles.Candles:
    made = [
        candles.Bar(NOW + index * MINUTE, Decimal(100), Decimal(112), Decimal(90), Decimal(str(close)), Decimal(7))
        for index, close in enumerate(closes)
    ]
    return candles.Candles("sim", "SPY", "1m", 60.0, tuple(made))


def held(**given: Any) -> exposure.Exposure:
    values = {"currency": "USD", "positions": 2, "unpriced": 0, "gross": Decimal(60000), "net": Decimal(40000)}
    plain = missing("no equity recorded")
    figures = dict.fromkeys(("gross_exposure", "net_exposure", "leverage", "max_weight", "concentration"), plain)
    more = {"sectors": (), "symbols": ()}
    return filled(exposure.Exposure, **(values | figures | more | {"leverage": Figure(0.97)} | given))


def rows(drawing: Any) -> list[dict[str, Any]]:
    """The rows of the grid that a drawing holds."""
    grid = drawing["children"]["props"]["children"]
    assert grid["namespace"] == "dash_ag_grid"
    data: list[dict[str, Any]] = grid["props"]["rowData"]
    return data


def figure_of(drawing: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = drawing["figure"]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_with_nothing_recorded_a_panel_says_why_and_what_to_do(name: str) -> None:
    panel = PANELS[name]
    none = [(read, None) for read in panel.reads if read not in (bots.READ, positions.READ, market_current.READ)]
    said = drawn(name, *none, (bots.READ, [bot()]))
    assert "figure" not in said
    notice = words(said)
    assert "The bot has run for 2 m 10 s" in notice
    assert "None" not in notice


@pytest.mark.parametrize("name", NAMES)
def test_the_shown_symbol_and_interval_are_what_is_asked(name: str) -> None:
    panel = PANELS[name]
    if not any(option.name == "symbol" for option in panel.options):
        return
    asked = dict(wanted(panel, f"{name}?symbol=QQQ").asks)
    assert "QQQ" in {getattr(params, "symbol", None) for params in asked.values()}
    assert {getattr(params, "symbol", None) for params in dict(wanted(panel, name).asks).values()} == {None}


def test_open_and_closed_markets_say_until_when_and_the_regime_is_the_bots_word() -> None:
    hours = [
        filled(market_hours.MarketHours, calendar="XNYS", symbols=12, state="open", until=NOW),
        filled(market_hours.MarketHours, calendar="XLON", symbols=1, state="closed", until=NOW),
        filled(market_hours.MarketHours, calendar="24/7", symbols=3, state="open"),
        filled(market_hours.MarketHours, calendar="NOPE", symbols=1, state="unknown", reason="there is no such one"),
    ]
    bot_states = [bot(regime="choppy", risk_factor=0.65, risk_reason="loss used 62.5%")]
    said = words(drawn("market_hours", (market_hours.READ, hours), (bots.READ, bot_states)))
    assert "XNYS · 12 symbols Open closes" in said
    assert "XLON · 1 symbol Closed opens" in said
    assert "Round the clock · 3 symbols Open never closes" in said
    assert "NOPE · 1 symbol Not known there is no such one" in said
    assert "Regime Choppy says Maker" in said
    assert "Risk factor 0.65 loss used 62.5%" in said


def test_bots_that_disagree_are_counted_and_the_lowest_risk_factor_stands_with_its_owner() -> None:
    told = [bot(regime="calm", risk_factor=1.0), bot(label="Maker US", regime="choppy", risk_factor=0.5)]
    said = words(drawn("market_hours", (bots.READ, told)))
    assert "Mixed calm 1, choppy 1" in said
    assert "Risk factor 0.50 Maker US" in said


def test_a_position_has_its_leverage_and_the_total_stands_below() -> None:
    given = [position(leverage=0.32, entry_price=Decimal("268.42"), tick=Decimal("0.01"))]
    said = drawn("open_positions", (positions.READ, given), (exposure.READ, [held()]), (account_totals.READ, [TOTAL]))
    assert "XLK Long 180 268.42 276.90 +1,528.20 +3.16% 49,844.00 24.0 0.32" in words(said)
    assert "Total 2 positions +2,778.88 +1.33% 40,000.00 0.97" in words(said)
    assert said["subtitle"] == "1 open · gross 60,000 USD"


def test_a_position_without_a_price_says_so_in_every_figure_that_needs_one() -> None:
    unpriced = position(value=None, unrealized_pnl=None, pnl_share=None, weight=None, current_price=None)
    said = drawn("open_positions", (positions.READ, [unpriced]), (exposure.READ, [held(unpriced=1, net=None)]))
    assert str(said["children"]).count("unknown: no price is known") == 6
    assert "1 without a price" in said["subtitle"]


def test_five_hundred_positions_are_a_grid_whose_rows_keep_their_identity() -> None:
    given = [position(symbol=f"S{number}", account=f"A{number % 50}") for number in range(500)]
    said = drawn("open_positions", (positions.READ, given), (exposure.READ, [held()]))
    data = rows(said)
    assert len({row["key"] for row in data}) == 500
    assert data[7]["w"][0] == "S7"
    assert "+1,528.20" in data[7]["w"]
    assert data[7]["k"][data[7]["w"].index("+1,528.20")] == "profit"
    grid = said["children"]["props"]["children"]["props"]
    assert grid["getRowId"] == "params.data.key"
    assert [row["w"][0] for row in grid["dashGridOptions"]["pinnedBottomRowData"]] == ["Total 2 positions"]
    assert all(len(row["v"]) == len(grid["columnDefs"]) for row in data)


def test_positions_of_two_currencies_say_which_and_have_a_total_each() -> None:
    given = [position(), position(symbol="BTC", currency="EUR")]
    said = words(
        drawn("open_positions", (positions.READ, given), (exposure.READ, [held(), held(currency="EUR", positions=1)]))
    )
    assert "Currency" in said
    assert said.count("Total") == 2


def test_bars_are_candles_over_volume_with_our_fills_of_that_symbol_only() -> None:
    ours = [
        filled(fills.Fill, at=NOW, symbol="SPY", side="buy", price=Decimal(101), quantity=Decimal(5)),
        filled(fills.Fill, at=NOW - MINUTE, symbol="SPY", side="sell", price=Decimal(101), quantity=Decimal(5)),
        filled(fills.Fill, at=NOW, symbol="QQQ", side="sell", price=Decimal(600), quantity=Decimal(5)),
    ]
    figure = figure_of(
        drawn("price", (candles.READ, bars(110, 95)), (fills.READ, ours), (market_current.READ, [market()]))
    )
    kinds = [trace["type"] for trace in figure["data"]]
    assert kinds == ["candlestick", "scatter", "bar"]
    sticks, marks, volume = figure["data"]
    assert sticks["close"] == [110, 95]
    assert sticks["decreasing"]["fillcolor"] == "@surface-panel"
    assert marks["customdata"] == ["Bought 5 at 101.00"]
    assert volume["yaxis"] == "y2"
    assert figure["layout"]["annotations"][0]["text"] == "<b>95.00</b>"
    assert figure["layout"]["xaxis"]["rangeslider"] == {"visible": False}


def test_the_fills_of_the_price_chart_are_asked_of_the_symbol_that_its_bars_are_of() -> None:
    asks = dict(PanelEncoder([PANELS["price"]]).asks("price"))
    assert asks[candles.READ].symbol is None
    assert asks[fills.READ] == fills.FillParams(symbol=None, limit=500, charted=True)


def test_the_price_chart_is_labelled_with_the_newest_price_and_says_which_bar_is_still_forming() -> None:
    made = bars(110, 95.25)
    forming = replace(made.bars[-1], closed=False, volume=None)
    shown = replace(made, bars=(made.bars[0], forming))
    figure = figure_of(drawn("price", (candles.READ, shown), (market_current.READ, [market(tick=Decimal("0.1"))])))
    closed, open_one = figure["data"][:2]
    assert (closed["close"], open_one["close"]) == ([110], [95.25])
    assert (open_one["name"], open_one["hovertext"][0].partition("<br>")[0]) == ("Forming", "Still forming")
    assert open_one["increasing"] == open_one["decreasing"] != closed["increasing"]
    assert figure["layout"]["annotations"][0]["text"] == "<b>95.25</b>"


def test_the_book_has_the_price_in_the_middle_one_scale_and_our_orders_where_they_stand() -> None:
    waiting = page(order(), order(order_id="o2", price=Decimal("600.00")), order(order_id="o3", symbol="SPYX"))
    said = drawn("order_book", (order_book.READ, book()), (orders.READ, waiting), (market_current.READ, [market()]))
    text = words(said)
    assert text.index("690.14") < text.index("690.13") < text.index("690.12") < text.index("690.11")
    assert "Spread 0.29 bps 690.12 Imbalance +0.12" in text
    assert "12 1,180 690.10" in text  # ours, size, price
    assert "'width': '100.0%'" in str(said["children"])
    assert "'width': '30.9%'" in str(said["children"])  # 365 of 1,180: asks on the bids' scale
    assert said["subtitle"] == "1 order beyond"
    assert said["offers"] == {"symbol": ["SPY"]}


def test_a_middle_between_two_prices_is_not_rounded_to_one_of_them() -> None:
    assert "690.125" in words(drawn("order_book", (order_book.READ, book(mid_price=Decimal("690.125")))))


def test_a_book_with_one_side_only_is_drawn() -> None:
    one_sided = book(asks=(), ask_depth=None, spread_bps=None, imbalance=missing("the depth was not recorded"))
    said = drawn("order_book", (order_book.READ, one_sided))
    assert "unknown: the depth was not recorded" in str(said["children"])
    assert len(figure_of(drawn("depth", (order_book.READ, one_sided)))["data"]) == 1


def test_depth_rises_away_from_the_middle_and_ends_at_zero_beside_it() -> None:
    bids, asks = figure_of(drawn("depth", (order_book.READ, book())))["data"]
    assert (bids["x"], bids["y"]) == ([690.10, 690.11, 690.11], [1592, 412, 0])
    assert (asks["x"], asks["y"]) == ([690.13, 690.13, 690.14], [0, 365, 1255])


def spreads(*values: float | None, **usual: float) -> spread_history.SpreadHistory:
    points = tuple(
        filled(spread_history.SpreadPoint, at=NOW + index * MINUTE, spread_bps=value)
        for index, value in enumerate(values)
    )
    given = {"symbol": "SPY", "usual_low": None, "median": None, "usual_high": None, "points": points}
    return filled(spread_history.SpreadHistory, **(given | usual))


def test_the_spread_stands_over_the_band_where_most_of_it_lies() -> None:
    usual = {"usual_low": 0.2, "median": 0.3, "usual_high": 0.5}
    figure = figure_of(drawn("spread", (spread_history.READ, spreads(0.3, None, 0.29, **usual))))
    band, median = figure["layout"]["shapes"]
    assert (band["y0"], band["y1"], median["y0"]) == (0.2, 0.5, 0.3)
    assert figure["data"][0]["y"] == [0.3, None, 0.29]
    assert [each["text"] for each in figure["layout"]["annotations"]] == ["<b>0.29</b>", "median 0.30 · 10–90% band"]


def test_too_few_spreads_have_no_band() -> None:
    assert "shapes" not in figure_of(drawn("spread", (spread_history.READ, spreads(0.3, 0.2))))["layout"]


def test_volatility_is_read_against_the_limits_it_is_near() -> None:
    points = tuple(volatility.VolatilityPoint(NOW + index * MINUTE, 0.12 + index / 100) for index in range(3))
    now = volatility.SymbolVolatility("sim", "SPY", Figure(0.14), "low", 72, 3600.0)
    report = volatility.VolatilityReport((now,), "sim", "SPY", Figure(0.13), points)
    said = drawn("realised_volatility", (volatility.READ, report))
    assert "14.0 % over 3 days · low 13.0% over the range" in words(said).replace("13.0 over", "13.0% over")
    assert [each["text"] for each in figure_of(said)["layout"]["annotations"]] == ["<b>14.0</b>", " normal from 15"]


def test_pending_orders_show_how_far_they_are() -> None:
    market_order = order(order_id="o2", price=None, order_type="market", progress=0.0, filled_quantity=Decimal(0))
    counts = [orders.OrdersCount("accepted", 70), orders.OrdersCount("partially_filled", 2)]
    said = drawn("pending_orders", (orders.READ, page(order(), market_order, total=72, summary=counts)))
    assert "SPY Buy 690.10 8 of 20" in words(said)
    assert "SPY Buy market 0 of 20" in words(said)
    assert "'width': '40.0%'" in str(said["children"])
    assert said["subtitle"] == "72 working · 2 partly filled · newest 2 shown"


def test_order_events_say_what_happened_and_why() -> None:
    step = filled(
        order_events.OrderStep,
        symbol="XLK",
        side="buy",
        kind="rejected",
        quantity=Decimal(20),
        price=Decimal("279.1"),
        tick=Decimal("0.01"),
        reason="price outside 1% collar",
    )
    said = drawn("order_events", (order_events.READ, page(step, total=10_000)))
    assert "XLK Rejected" in words(said)
    assert "Buy 20 at 279.10 price outside 1% collar" in words(said)
    assert "newest 1 of 10,000+" in said["subtitle"]


def test_a_symbol_without_a_book_has_dashes_with_their_reasons_in_the_watch_list() -> None:
    told = {"mid_price": Decimal("690.12"), "change": 0.0041, "spread_bps": Decimal("0.29"), "volume": Decimal(12)}
    priced = market(symbols=2, **told)
    said = drawn("watch_list", (market_current.READ, [priced, market("XLE")]))
    assert "690.12 USD +0.41%" in words(said)
    assert str(said["children"]).count("unknown: no book was recorded") == 3
    assert said["subtitle"] == "2 symbols · change and volume of a day · 1 without a book"


def test_a_watch_list_of_too_many_symbols_says_which_it_shows() -> None:
    said = drawn("watch_list", (market_current.READ, [market("SPY", symbols=10_000), market("XLE", symbols=10_000)]))
    assert said["subtitle"].startswith("2 of 10,000 symbols, those held first · change and volume of a day")


def test_a_watch_list_of_hundreds_is_a_grid_that_sorts_what_is_unknown_apart() -> None:
    data = rows(drawn("watch_list", (market_current.READ, [market(f"S{number}") for number in range(300)])))
    assert len(data) == 300
    assert data[0]["v"][2] is None
    assert data[0]["w"][2] == "—"
    assert data[0]["r"][2] == "no book was recorded"


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("open_positions", (positions.READ, [position(symbol=HOSTILE, label=HOSTILE)])),
        ("open_positions", (positions.READ, [position(symbol=f"{HOSTILE}{number}") for number in range(60)])),
        ("order_book", (order_book.READ, book(symbol=HOSTILE))),
        ("pending_orders", (orders.READ, page(order(symbol=HOSTILE, label=HOSTILE)))),
        ("watch_list", (market_current.READ, [market(HOSTILE, sector=HOSTILE)])),
        ("price", (candles.READ, candles.Candles("sim", HOSTILE, "1m", 60.0, bars(1, 2).bars))),
        ("market_hours", (bots.READ, [bot(regime=HOSTILE, risk_factor=1.0, risk_reason=HOSTILE)])),
    ],
)
def test_a_name_that_would_be_markup_is_a_text_among_texts(name: str, given: Any) -> None:
    said = drawn(name, given)
    names = set(_types(said.get("children")))
    assert not names & {"Img", "Script", "Iframe", "Markdown", "DangerouslySetInnerHTML"}
    assert "dangerously" not in str(said).lower()
    assert "innerHTML" not in str(said)


def _types(node: Any) -> list[str]:
    if isinstance(node, list):
        return [each for part in node for each in _types(part)]
    if not isinstance(node, dict):
        return []
    inner = _types(node.get("props", {}).get("children"))
    return [*([node["type"]] if "type" in node else []), *inner]


@pytest.mark.parametrize("name", NAMES)
def test_every_caption_and_offer_is_made_of_nothing_too(name: str) -> None:
    panel = PANELS[name]
    chosen = {option.name: option.default for option in panel.options}
    answers = Answers({read.name: answer(None) for read in panel.reads}, chosen)
    if panel.caption:
        assert isinstance(panel.caption(answers, SCOPE), str)
    if panel.offers:
        assert panel.offers(answers, SCOPE) == {"symbol": []}


def test_a_closed_night_is_left_out_of_the_time_axis_unless_we_traded_in_it() -> None:
    def night(day: int) -> candles.Closed:
        return candles.Closed(NOW + timedelta(days=day), NOW + timedelta(days=day, hours=8))

    shown = replace(bars(110, 95), closed=(night(1), night(2)))
    late = filled(fills.Fill, at=NOW + timedelta(days=2, hours=1), symbol="SPY", side="buy", price=Decimal(101))
    figure = figure_of(drawn("price", (candles.READ, shown), (fills.READ, [late])))
    began = round(NOW.timestamp() * 1000) + 86_400_000
    assert figure["layout"]["xaxis"]["rangebreaks"] == [{"bounds": [began, began + 8 * 3_600_000]}]
    assert "rangebreaks" not in figure_of(drawn("price", (candles.READ, bars(110, 95))))["layout"]["xaxis"]


def test_a_symbols_day_is_a_line_with_words_and_a_short_one_a_dash_with_its_reason() -> None:
    priced = [market(mid_price=Decimal("690.12")), market("XLE", mid_price=Decimal("90"))]
    days = [
        day_prices.DayPrices("sim", "SPY", NOW, [None, 689.0, 691.5, 690.12]),
        day_prices.DayPrices("sim", "XLE", NOW, [None, None, 90.0]),
    ]
    said = str(drawn("watch_list", (market_current.READ, priced), (day_prices.READ, days))["children"])
    assert said.count("'sparkline sparkline-ink'") == 1
    assert "SPY through a day: from 689.00 to 690.12, between 689.00 and 691.50" in said
    assert "unknown: the record does not reach back a day" in said


def test_pressing_a_row_of_the_watch_list_or_a_position_chooses_its_symbol() -> None:
    said = drawn("watch_list", (market_current.READ, [market()]))
    assert "'data-choose': 'price.symbol'" in str(said["children"])
    assert "'data-value': 'SPY'" in str(said["children"])
    (row, *_) = rows(drawn("watch_list", (market_current.READ, [market(f"S{number}") for number in range(300)])))
    assert row["o"] == "S0"
    one = position()
    assert f"'data-value': '{one.symbol}'" in str(drawn("open_positions", (positions.READ, [one]))["children"])


def test_a_session_shows_how_far_it_has_come_and_what_never_closes_shows_none() -> None:
    hours = [
        filled(market_hours.MarketHours, calendar="XNYS", state="open", until=NOW, passed=0.625),
        filled(market_hours.MarketHours, calendar="24/7", state="open"),
    ]
    said = str(drawn("market_hours", (market_hours.READ, hours))["children"])
    assert said.count("session session-open") == 1
    assert "{'left': '62.5%'}" in said


@pytest.mark.parametrize(
    ("severities", "tone", "said"),
    [
        (["warning"], "warning", "1 1 open alert, the worst warning"),
        (["critical", "info"], "critical", "2 2 open alerts, the worst critical"),
        (["info"] * 200, "info", "200+ 200+ open alerts, the worst info"),
    ],
)
def test_the_badge_counts_open_alerts_and_wears_the_worst(severities: list[str], tone: str, said: str) -> None:
    found = [filled(open_alerts.OpenAlert, severity=severity) for severity in severities]
    drawing = drawn("alerts_badge", (open_alerts.READ, found))
    assert words(drawing) == said
    assert f"'data-tone': '{tone}'" in str(drawing["children"])
    assert words(drawn("alerts_badge")) == ""


def test_a_badge_stands_in_the_navigation_and_on_no_page() -> None:
    shell = shell_of(*(panel for panel in panels_of("trading") if panel.page == "Alerts"))
    assert [panel.name for panel in shell.panels_on(ALERTS)] == ["alerts"]
    assert shell.configuration()["badges"] == ["alerts_badge"]
    assert "content-alerts_badge" in str(shell.layout())


def shell_of(*panels: Panel) -> Shell:
    return Shell("trading", (), (ALERTS,), panels, (), (), ("1D",), "1D", 5.0)


ALERTS = next(page for page in TRADING_PAGES if page.name == "Alerts")
