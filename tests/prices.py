"""Real daily prices for replays: the stocks of bokeh_sampledata, written as Parquet by the test."""

from pathlib import Path

import pandas as pd
from bokeh_sampledata import stocks

SYMBOLS = ("AAPL", "GOOG", "IBM", "MSFT")


def daily_bars(symbol: str) -> pd.DataFrame:
    """Return a stock's daily bars, oldest first, columns as the package names them (lower case)."""
    table = pd.DataFrame(getattr(stocks, symbol))
    table["date"] = pd.to_datetime(table["date"])
    return table.sort_values("date").reset_index(drop=True)


def write_bars(folder: Path, start: str, end: str, symbols: tuple[str, ...] = SYMBOLS) -> Path:
    """Write `symbols` from start to end as Parquet, every other file with capitalised columns; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, symbol in enumerate(symbols):
        table = daily_bars(symbol)
        table = table[(table["date"] >= start) & (table["date"] <= end)]
        if number % 2:
            table = table.rename(columns={name: name.title() for name in table.columns if name != "adj_close"})
        table.to_parquet(folder / f"{symbol}.parquet", index=False)
    return folder
