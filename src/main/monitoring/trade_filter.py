"""Which closed trades is a question about, beyond the scope's accounts, window and strategy?"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from main.domain.scope import Scope
from main.monitoring.paging import check_choice

SIDES = ("long", "short")
LONGEST = 200


@dataclass(frozen=True, slots=True)
class TradeFilter:
    """Params of reads about closed trades, to be inherited; ``None`` asks for nothing.

    `symbol` matches any part of a symbol, whatever the case; the others the whole word. Raises ValueError.
    """

    symbol: str | None = None
    segment: str | None = None
    exit_type: str | None = None
    side: Literal["long", "short"] | None = None
    tag: str | None = None

    def __post_init__(self) -> None:
        check_choice("side", self.side, SIDES)
        for name in ("symbol", "segment", "exit_type", "tag"):
            text = getattr(self, name)
            if text is not None and (len(text) > LONGEST or "\0" in text):
                raise ValueError(f"{name}: expected at most {LONGEST} characters, and none that is NUL")

    def arguments(self, scope: Scope) -> tuple[object, ...]:
        """Return what the filter's parameters of the SQL functions get: strategy first, then these in their order.

        A tag goes with the moment at which it is looked for: tags are given and taken away after the trade's exit.
        """
        wanted = (scope.strategy, self.symbol, self.segment, self.exit_type, self.side)
        return (*(text or None for text in wanted), (self.tag, moment_of(scope)) if self.tag else None)


def moment_of(scope: Scope) -> datetime:
    """Return the moment that a resolved scope looks from; its window may have ended before."""
    return scope.moment or scope.bounds().end


def window_arguments(scope: Scope) -> tuple[list[str], datetime, datetime, datetime, bool]:
    """Return what all SQL functions about trades begin with: accounts, start, end, known_at and whether it is now."""
    bounds = scope.bounds()
    return list(scope.accounts), bounds.start, bounds.end, bounds.known_at, scope.present
