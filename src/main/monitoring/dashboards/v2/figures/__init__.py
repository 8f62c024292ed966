"""Which picture a series becomes: Plotly figures as plain data, without template, in the house's rules for charts.

One module a family of pictures; panels take them from here, as ``figures.NAME``.
A colour is a token of `assets/tokens.css` written ``@name`` or ``@name/0.3`` (its opacity); the browser puts in the
value of the theme it shows. A time is a count of milliseconds since 1970 UTC (`epoch_ms`); the browser moves it to the
viewer's zone.
Text in tags, cells and tooltips is ready to read. No pandas, numpy or graph objects: a dict costs a hundredth of them.
"""

from main.monitoring.dashboards.v2.figures.bands import Usual, banded
from main.monitoring.dashboards.v2.figures.bars import pnl_bars
from main.monitoring.dashboards.v2.figures.candles import Candle, FillMark, candles, price_ticks, volume_bars
from main.monitoring.dashboards.v2.figures.categories import CategoryBar, category_bars
from main.monitoring.dashboards.v2.figures.core_map import core_map
from main.monitoring.dashboards.v2.figures.courses import courses
from main.monitoring.dashboards.v2.figures.depth import DepthPoint, book_depth
from main.monitoring.dashboards.v2.figures.event_bars import Counted, event_bars
from main.monitoring.dashboards.v2.figures.flow_marks import FlowMark, flow_marks
from main.monitoring.dashboards.v2.figures.growth import growth_against
from main.monitoring.dashboards.v2.figures.heat_map import Cells, correlation_map, intensity_map, profit_map
from main.monitoring.dashboards.v2.figures.histogram import histogram
from main.monitoring.dashboards.v2.figures.lines import Curve, Level, lines
from main.monitoring.dashboards.v2.figures.parts import FigureDict, Series, Write, epoch_ms
from main.monitoring.dashboards.v2.figures.stacked import StackedPart, stacked_areas, stacked_bars
from main.monitoring.dashboards.v2.figures.time_series import area, equity_and_drawdown, host_trend
from main.monitoring.dashboards.v2.figures.trade_path import Execution, trade_path
from main.monitoring.dashboards.v2.figures.treemap import Tile, positions_treemap
from main.monitoring.dashboards.v2.figures.waterfall import Step, waterfall

__all__ = [
    "Candle",
    "CategoryBar",
    "Cells",
    "Counted",
    "Curve",
    "DepthPoint",
    "Execution",
    "FigureDict",
    "FillMark",
    "FlowMark",
    "Level",
    "Series",
    "StackedPart",
    "Step",
    "Tile",
    "Usual",
    "Write",
    "area",
    "banded",
    "book_depth",
    "candles",
    "category_bars",
    "core_map",
    "correlation_map",
    "courses",
    "epoch_ms",
    "equity_and_drawdown",
    "event_bars",
    "flow_marks",
    "growth_against",
    "histogram",
    "host_trend",
    "intensity_map",
    "lines",
    "pnl_bars",
    "positions_treemap",
    "price_ticks",
    "profit_map",
    "stacked_areas",
    "stacked_bars",
    "trade_path",
    "volume_bars",
    "waterfall",
]
