"""The dashboards and their manager. Names are imported when first used: the manager must never load Dash."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from main.monitoring.dashboards.v2.dashboard_manager import DashboardManager
    from main.monitoring.dashboards.v2.monitoring_dashboard import MonitoringDashboardV2
    from main.monitoring.dashboards.v2.system_dashboard import SystemDashboardV2
    from main.monitoring.dashboards.v2.trading_dashboard import TradingDashboardV2

__all__ = ["DashboardManager", "MonitoringDashboardV2", "SystemDashboardV2", "TradingDashboardV2"]

_MODULES = {
    "DashboardManager": "dashboard_manager",
    "MonitoringDashboardV2": "monitoring_dashboard",
    "SystemDashboardV2": "system_dashboard",
    "TradingDashboardV2": "trading_dashboard",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
