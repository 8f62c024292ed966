"""The trading dashboard: what the accounts hold, earn and risk (port 8080)."""

from main.monitoring.dashboards.v2.dashboard import Dashboard
from main.monitoring.dashboards.v2.navigation import TRADING_PAGES, TRADING_WINDOWS


class TradingDashboardV2(Dashboard):
    """The dashboard of accounts, positions, orders and performance."""

    name = "trading"
    title = "AI Trader · Trading"
    pages = TRADING_PAGES
    windows = TRADING_WINDOWS
    default_window = "1D"
    controls = ("accounts", "strategy", "window")
