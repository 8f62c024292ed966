"""What is traded on the simulated market, and how: its symbols, its moods, what its index is made of."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from main.domain.events import Instrument

INDEX = "SIMX"
"""The index of all symbols, weighted by what they are worth; 1000 at the listed prices."""

INDEX_BASE = 1000.0

VOLATILITY_INDEX = "SIMVOL"
"""What the market's moves amount to in a year, in per cent."""


@dataclass(frozen=True, slots=True)
class Regime:
    """A state of the market. ``volatility`` multiplies a symbol's own, ``minutes`` is how long it lasts on average."""

    name: str
    volatility: float
    spread: float
    minutes: float


@dataclass(frozen=True, slots=True)
class Listing:
    """A simulated symbol.

    ``volatility`` is annual; ``spread_bps`` the usual distance of bid and ask; ``supply`` how many units there are, for
    its weight in the index.
    """

    symbol: str
    sector: str
    price: str
    tick: str
    quantity_step: str
    volatility: float
    beta: float
    spread_bps: float
    supply: float

    def instrument(self, source: str, at: datetime) -> Instrument:
        """Return it as what is recorded."""
        return Instrument(
            at=at,
            source=source,
            symbol=self.symbol,
            currency="USD",
            exchange="SIM",
            segment="spot",
            sector=self.sector,
            tick=Decimal(self.tick),
            quantity_step=Decimal(self.quantity_step),
        )


CALM = Regime("calm", 0.7, 1.0, 40.0)
STRESSED = Regime("stressed", 2.6, 2.5, 5.0)
REGIMES = (CALM, Regime("choppy", 1.3, 1.5, 15.0), STRESSED)

LISTINGS = (
    Listing("BTC-USD", "Store of value", "92450.0", "0.5", "0.0001", 0.45, 1.0, 0.6, 19.9e6),
    Listing("LTC-USD", "Store of value", "98.40", "0.01", "0.01", 0.65, 1.1, 2.0, 76e6),
    Listing("ETH-USD", "Smart contracts", "3120.50", "0.05", "0.001", 0.60, 1.2, 0.8, 120e6),
    Listing("SOL-USD", "Smart contracts", "141.20", "0.01", "0.01", 0.80, 1.4, 1.6, 560e6),
    Listing("XRP-USD", "Payments", "2.1450", "0.0001", "1", 0.70, 0.9, 1.9, 60e9),
    Listing("XLM-USD", "Payments", "0.25610", "0.00001", "10", 0.75, 0.9, 2.4, 32e9),
    Listing("LINK-USD", "Infrastructure", "13.620", "0.001", "0.1", 0.75, 1.3, 2.2, 680e6),
    Listing("FIL-USD", "Infrastructure", "1.6230", "0.0005", "1", 0.85, 1.3, 4.0, 700e6),
)
