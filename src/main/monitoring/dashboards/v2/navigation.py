"""Which pages can there be, in which order, and by which path, icon and key are they reached?"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """One page; ``key`` follows ``g`` on the keyboard, ``window`` is its range where the viewer has chosen none."""

    name: str
    icon: str
    key: str = ""
    path: str = ""
    window: str = ""

    @property
    def address(self) -> str:
        """The path of its URL."""
        return self.path or "/" + self.name.lower().replace(" & ", "-").replace(" ", "-")

    @property
    def slug(self) -> str:
        """The path as part of an element id."""
        return self.address.strip("/").replace("/", "-")


TRADING_PAGES = (
    Page("Overview", "layout-dashboard", "o"),
    Page("Trading", "chart-candlestick", "t"),
    Page("Performance", "trending-up", "p", window="1Y"),
    Page("Risk", "shield-alert", "r", window="3M"),
    Page("Execution", "timer", "e", window="1M"),
    Page("Models", "workflow", "m", window="3M"),
    Page("Market", "chart-column", "k"),
    Page("Trades", "table-2", "d", window="1M"),
    Page("Alerts", "bell", "a", window="1M"),
)
SYSTEM_PAGES = (
    Page("Health", "activity", "h", "/system-health"),  # /health is the probe
    Page("Infrastructure", "server", "i"),
    Page("Database", "database", "b"),
    Page("Pipelines", "workflow", "p", window="1D"),
    Page("Services", "layers", "s"),
    Page("Events & logs", "scroll-text", "e", window="1D"),
    Page("Storage", "hard-drive", "g", window="1W"),
)
TRADING_WINDOWS = ("1D", "1W", "1M", "3M", "YTD", "1Y", "All")
SYSTEM_WINDOWS = ("15m", "1h", "6h", "1D", "1W", "1M")
