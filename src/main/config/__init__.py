"""Which settings is the suite running with, and where does each of them come from?"""

from main.config.database_argument import database_overrides
from main.config.load import CONFIG_FILE, load_settings
from main.config.settings import (
    AccountSettings,
    BotSettings,
    DashboardsSettings,
    DatabaseSettings,
    MonitoringDashboardSettings,
    Settings,
    SystemDashboardSettings,
    TradeSettings,
    TradingDashboardSettings,
)

__all__ = [
    "CONFIG_FILE",
    "AccountSettings",
    "BotSettings",
    "DashboardsSettings",
    "DatabaseSettings",
    "MonitoringDashboardSettings",
    "Settings",
    "SystemDashboardSettings",
    "TradeSettings",
    "TradingDashboardSettings",
    "database_overrides",
    "load_settings",
]
