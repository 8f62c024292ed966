"""May the bot go on trading, and how much? Rules on the trading day's result, on positions and on the market's mood.

- Daily loss limit: when the day's loss reaches it, all resting orders are cancelled, every position is closed at the
  market (exit type ``auto_loss_limit``) and nothing is placed until the next trading day. Closing rather than only
  stopping is chosen because a limit that lets an open loss grow is none.
- Trailing stop on protected profit: once the day has earned `TRAIL_FROM` of the loss limit, half of its best result is
  protected; falling back to that level closes everything in the same way (``auto_trailing_sl``).
- Position limit: no order may take a symbol's market value beyond it; what reduces a position always may.
- Risk factor: scales new positions down by regime and by what the day has given back; it says why.
A block outlives a restart: it is read back from the day's row.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from main.trading.broker import OrderRequest

LOSS_LIMIT = "auto_loss_limit"
TRAILING_STOP = "auto_trailing_sl"

TRAIL_FROM = Decimal("0.5")
PROTECTED_SHARE = Decimal("0.5")
REGIME_FACTORS = {"calm": Decimal(1), "choppy": Decimal("0.7"), "stressed": Decimal("0.4")}
SMALLEST_FACTOR = Decimal("0.2")

_ZERO = Decimal(0)
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits in account currency. ``position`` is the largest value of one symbol, ``leverage`` gross / equity."""

    daily_loss: Decimal = Decimal(5000)
    position: Decimal = Decimal(10_000)
    leverage: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """Trading is blocked until the next trading day, and why. ``value`` crossed ``threshold``, both money."""

    kind: str
    since: datetime
    value: Decimal
    threshold: Decimal

    @property
    def title(self) -> str:
        """What happened, for people."""
        return "Daily loss limit reached" if self.kind == LOSS_LIMIT else "Trailing stop on the day's profit reached"


class RiskRules:
    """The rules of one account and their state within the trading day."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.block: Block | None = None
        self.result = _ZERO  # of the day: net realised plus change of unrealised
        self.best = _ZERO
        self.factor = Decimal(1)
        self.reason = "nothing observed yet"

    @property
    def loss_used(self) -> Decimal:
        """max(0, −result of the day)."""
        return max(_ZERO, -self.result)

    @property
    def trailing_active(self) -> bool:
        """Whether the day has earned enough for some of it to be protected."""
        return self.best >= TRAIL_FROM * self.limits.daily_loss

    @property
    def trailing_level(self) -> Decimal | None:
        """The result of the day at which everything is closed; ``None`` while nothing is protected."""
        return self.best * PROTECTED_SHARE if self.trailing_active else None

    def begin_day(self) -> None:
        """Forget the last trading day, its block too."""
        self.block, self.result, self.best = None, _ZERO, _ZERO

    def restore(self, block: Block | None, trailing_level: Decimal | None) -> None:
        """Take over what an earlier run of the bot decided on this trading day."""
        self.block = block
        if trailing_level is not None:
            self.best = max(self.best, trailing_level / PROTECTED_SHARE)

    def abide(self, block: Block | None) -> None:
        """Keep to what was decided at the moment lived through again, though limits or fills may have changed since."""
        if block is None or self.block is None:
            self.block = block

    def observe(self, at: datetime, result: Decimal, regime: str | None) -> Block | None:
        """Take in the result of the day so far; return the block when this is the moment that it begins."""
        self.result = result
        self.best = max(self.best, result)
        self._set_factor(regime)
        if self.block is not None:
            return None
        level = self.trailing_level
        if self.loss_used >= self.limits.daily_loss:
            self.block = Block(LOSS_LIMIT, at, self.loss_used, self.limits.daily_loss)
        elif level is not None and result <= level:
            self.block = Block(TRAILING_STOP, at, result, level)
        return self.block

    def refusal(self, request: OrderRequest, held: Decimal, pending: Decimal, unit_value: Decimal) -> str:
        """Return why an order may not be placed; empty when it may.

        `held` is the signed quantity; `pending` what resting orders of the same side may add; `unit_value` is the
        market value of one unit, in account currency.
        """
        if self.block is not None and request.purpose != self.block.kind:
            return f"trading is blocked: {self.block.title.lower()}"
        sign = 1 if request.side == "buy" else -1
        after = held + sign * (pending + request.quantity)
        if abs(after) > abs(held) and abs(after) * unit_value > self.limits.position:
            value = (abs(after) * unit_value).quantize(_CENT)
            return f"position limit: {value} {'long' if after > 0 else 'short'} would exceed {self.limits.position}"
        return ""

    def leverage_refusal(self, opens: bool, gross: Decimal, equity: Decimal) -> str:
        """Return why nothing may be opened at this leverage; empty when it may."""
        limit = self.limits.leverage
        if not opens or limit is None or (equity > 0 and gross < limit * equity):
            return ""
        return f"leverage limit: gross exposure {gross.quantize(_CENT)} is at {limit} times equity"

    def _set_factor(self, regime: str | None) -> None:
        mood = REGIME_FACTORS.get(regime or "", Decimal(1))
        given_back = max(_ZERO, self.best - self.result) / self.limits.daily_loss
        caution = max(SMALLEST_FACTOR, 1 - given_back)
        self.factor = max(SMALLEST_FACTOR, mood * caution).quantize(_CENT)
        reasons = []
        if mood < 1:
            reasons.append(f"{regime} market ×{mood}")
        if caution <= Decimal("0.99"):
            reasons.append(
                f"{(self.best - self.result).quantize(_CENT)} below the day's best ×{caution.quantize(_CENT)}"
            )
        self.reason = ", ".join(reasons) or f"{regime or 'unknown'} market, near the day's best"
