"""The system dashboard: whether everything that trading needs is well (port 8052)."""

from main.monitoring.api.named_paths import SUITE
from main.monitoring.dashboards.v2.dashboard import Dashboard
from main.monitoring.dashboards.v2.navigation import SYSTEM_PAGES, SYSTEM_WINDOWS


class SystemDashboardV2(Dashboard):
    """The dashboard of hosts, database, services and their history."""

    name = "system"
    title = "AI Trader · System"
    pages = SYSTEM_PAGES
    windows = SYSTEM_WINDOWS
    default_window = "1h"
    controls = ("window",)
    socket_io = False
    named = SUITE  # what is about money is asked where the accounts are shown
