import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bokeh_sampledata import stocks

from main.errors import UnreadablePrices
from main.formats.ohlcv import read_bars
from main.trading.feeds.replay import ReplayFeed, book_around

HEADER = "Date,Open,High,Low,Close,Volume\n"
ROW = "2026-01-02,10,12,9,11,5000\n"


def written(folder: Path, text: str, name: str = "ABC.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def parquet(path: Path, **columns: object) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize(
    "header",
    ["Date,Open,High,Low,Close,Volume", "DATE,OPEN,HIGH,LOW,CLOSE,VOLUME", "timestamp,open,high,low,close,volume",
     ",oPen,HIGH,low,Close,Vol"],
)  # fmt: skip
def test_columns_are_found_whatever_their_case(tmp_path, header):
    (bar,) = read_bars(written(tmp_path, f"{header}\n{ROW}")).bars
    assert (bar.symbol, bar.at) == ("ABC", datetime(2026, 1, 2, tzinfo=UTC))
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (10, 12, 9, 11, 5000)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-02", datetime(2026, 1, 2, tzinfo=UTC)),
        ("20260102", datetime(2026, 1, 2, tzinfo=UTC)),
        ("2026-01-02T09:30:00-05:00", datetime(2026, 1, 2, 14, 30, tzinfo=UTC)),
        ("2026-01-02 14:30:00", datetime(2026, 1, 2, 14, 30, tzinfo=UTC)),
        ("1767364200", datetime(2026, 1, 2, 14, 30, tzinfo=UTC)),
        ("1767364200123", datetime(2026, 1, 2, 14, 30, 0, 123000, tzinfo=UTC)),
        ("1767364200123456789", datetime(2026, 1, 2, 14, 30, 0, 123456, tzinfo=UTC)),
    ],
)
def test_times_are_read_in_every_usual_form(tmp_path, text, moment):
    (bar,) = read_bars(written(tmp_path, HEADER + ROW.replace("2026-01-02", text))).bars
    assert bar.at == moment


def test_parquet_of_a_data_frame_with_its_index_is_read(tmp_path):
    import pandas as pd

    frame = pd.DataFrame(
        {"OPEN": [1.5], "HIGH": [2.5], "LOW": [1.25], "CLOSE": [2.1], "VOLUME": [10], "Adj Close": [1.05]},
        index=pd.DatetimeIndex(["2026-01-02"]),
    )
    frame.to_parquet(tmp_path / "XYZ.parquet")
    (bar,) = read_bars(tmp_path).bars
    assert (bar.symbol, bar.at) == ("XYZ", datetime(2026, 1, 2, tzinfo=UTC))
    assert (bar.close, bar.adjusted_close) == (Decimal("2.1"), Decimal("1.05"))


def test_a_symbol_column_beats_the_file_name_and_symbols_merge_in_order_of_time(tmp_path):
    parquet(
        tmp_path / "all.parquet",
        date=[date(2026, 1, 5), date(2026, 1, 2)],
        symbol=["B", "A"],
        **{name: [1.0, 2.0] for name in ("open", "high", "low", "close")},
    )
    written(tmp_path, HEADER + ROW, "C.csv")
    assert [(bar.at.day, bar.symbol) for bar in read_bars(tmp_path).bars] == [(2, "A"), (2, "C"), (5, "B")]


def test_a_row_without_a_price_is_left_out_counted_and_reported(tmp_path):
    path = written(tmp_path, HEADER + ROW + "2026-01-05,10,NaN,9,11,1\n2026-01-06,10,12,9,,1\n2026-01-07,0,12,9,11,1\n")
    read = read_bars(path)
    assert len(read.bars) == 1
    assert [(each.line, each.reason) for each in read.skipped] == [
        (3, "high is 'NaN'"),
        (4, "close is ''"),
        (5, "open is '0'"),
    ]
    (notice,) = ReplayFeed(path).notices
    assert notice.startswith("3 rows without a usable price left out: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Date,Open,High,Close\n", r"ABC\.csv:1: no column low; it has Date, Open, High, Close"),
        ("Open,High,Low,Close\n", r"ABC\.csv:1: no column date"),
        (HEADER + ROW + "2026-13-02,1,1,1,1,1\n", r"ABC\.csv:3: column date: got '2026-13-02', expected a date"),
        (HEADER + "2026-01-02,1,1,1,high,1\n", r"ABC\.csv:2: column close: got 'high', expected a number"),
        (HEADER + "2026-01-02,1,1\n", r"ABC\.csv:2: got 3 columns"),
        (HEADER + ROW + ROW, r"two bars of ABC at 2026-01-02"),
        (HEADER, r"no usable bar"),
        ("", r"no column"),
    ],
)
def test_bad_input_is_named_by_file_line_and_column(tmp_path, text, message):
    with pytest.raises(UnreadablePrices, match=message):
        read_bars(written(tmp_path, text))


def test_bytes_that_are_no_text_and_no_parquet_are_named(tmp_path):
    for name, kind in (("bad.csv", "CSV"), ("bad.parquet", "Parquet")):
        path = tmp_path / name
        path.write_bytes(b"\xff\xfe\x00\x81" * 9)
        with pytest.raises(UnreadablePrices, match=rf"{name}: cannot be read as {kind}"):
            read_bars(path)


def test_a_path_that_holds_nothing_is_named(tmp_path):
    with pytest.raises(UnreadablePrices, match="no such file"):
        ReplayFeed(tmp_path / "nowhere")
    with pytest.raises(UnreadablePrices, match="in this directory"):
        ReplayFeed(tmp_path)
    with pytest.raises(UnreadablePrices, match=r"ends in \.txt"):
        ReplayFeed(written(tmp_path, ROW, "notes.txt"))


def test_the_book_stands_one_tick_around_the_close_with_sizes_by_volume(tmp_path):
    (bar,) = read_bars(written(tmp_path, HEADER + "2026-01-02,10,12,9,11.37,500000\n")).bars
    book = book_around(bar, Decimal("0.01"))
    assert (book.mid, book.best_bid, book.best_ask) == (Decimal("11.37"), Decimal("11.36"), Decimal("11.38"))
    assert book.bid_sizes == (500, 1000, 1500, 2000, 2500)
    assert (book.low, book.high) == (9, 12)


def test_an_adjusted_close_scales_the_whole_bar(tmp_path):
    text = "date,open,high,low,close,adj close\n2026-01-02,100,120,80,100,50\n"
    (bar,) = read_bars(written(tmp_path, text)).bars
    book = book_around(bar, Decimal("0.01"))
    assert (book.mid, book.low, book.high) == (50, 40, 60)


def test_a_penny_stock_has_a_finer_tick(tmp_path):
    feed = ReplayFeed(written(tmp_path, HEADER + "2026-01-02,0.02,0.03,0.01,0.0213,1\n"))
    assert feed.instruments[0].tick == Decimal("0.00001")
    assert next(feed.ticks()).books["ABC"].mid == Decimal("0.0213")


async def test_real_daily_prices_replay_in_order_and_resume_after_a_bar(tmp_path):
    for symbol in ("AAPL", "IBM", "MSFT"):
        data = getattr(stocks, symbol)
        parquet(tmp_path / f"{symbol}.parquet", **{name: list(data[name]) for name in data})
    feed = ReplayFeed(tmp_path, paced=False)
    ticks = [tick async for tick in feed]
    assert [tick.at for tick in ticks] == sorted({tick.at for tick in ticks})
    assert len(ticks) == len(set(stocks.AAPL["date"]) | set(stocks.IBM["date"]) | set(stocks.MSFT["date"]))
    assert ticks[-1].books["AAPL"].mid == round(Decimal(str(stocks.AAPL["adj_close"][-1])), 4)
    sizes = {each.symbol: each.tick for each in feed.instruments}
    assert sizes == {"AAPL": Decimal("0.0001"), "IBM": Decimal("0.01"), "MSFT": Decimal("0.01")}
    assert all(
        price % sizes[book.symbol] == 0 for tick in ticks for book in tick.books.values() for price in book.bid_prices
    )
    feed.resume({}, ticks[9].at)
    assert next(feed.ticks()).at == ticks[10].at
    assert feed.source == f"replay:{feed.name}"


def test_a_daily_bar_stands_at_the_end_of_its_day_and_any_other_where_it_is(tmp_path):
    daily = ReplayFeed(written(tmp_path, HEADER + "2026-01-02,10,12,9,11,1\n2026-01-05,10,12,9,11,1\n", "D.csv"))
    assert [str(tick.at) for tick in daily.ticks()] == ["2026-01-02 23:59:59+00:00", "2026-01-05 23:59:59+00:00"]
    hourly = ReplayFeed(
        written(tmp_path, HEADER + "2026-01-02 00:00,10,12,9,11,1\n2026-01-02 01:00,10,12,9,11,1\n", "H.csv")
    )
    assert [tick.at.hour for tick in hourly.ticks()] == [0, 1]


def test_csv_and_parquet_of_the_same_prices_make_the_same_bars(tmp_path):
    data = stocks.IBM
    names = list(data)
    (tmp_path / "csv").mkdir()
    with (tmp_path / "csv" / "IBM.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(name.upper() for name in names)
        writer.writerows(zip(*(data[name] for name in names), strict=True))
    parquet(tmp_path / "IBM.parquet", **{name: list(data[name]) for name in names})
    assert read_bars(tmp_path / "csv").bars == read_bars(tmp_path / "IBM.parquet").bars
