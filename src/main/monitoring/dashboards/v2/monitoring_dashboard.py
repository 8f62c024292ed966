"""The wallboard: what matters most of both dashboards on one page without controls (port 8000)."""

from main.monitoring.dashboards.v2.dashboard import Dashboard
from main.monitoring.dashboards.v2.layout import Shell
from main.monitoring.dashboards.v2.navigation import TRADING_WINDOWS, Page
from main.monitoring.dashboards.v2.panel import Panel
from main.monitoring.dashboards.v2.wallboard import WALLBOARD, WallShell, wall_panels


class MonitoringDashboardV2(Dashboard):
    """The wallboard, and the composed pages that are made for it."""

    name = "monitoring"
    title = "AI Trader · Wallboard"
    pages = (WALLBOARD,)
    windows = TRADING_WINDOWS
    default_window = "1D"
    controls = ("accounts",)  # they come with the address
    paced = True

    def _own_panels(self) -> tuple[Panel, ...]:
        return wall_panels(self._shelf)

    def _shown_pages(self) -> tuple[Page, ...]:
        return self.pages

    def _shell(self) -> Shell:
        shell = super()._shell()
        return WallShell(**{name: getattr(shell, name) for name in Shell.__slots__})
