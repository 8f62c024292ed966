"""What is held in the currency that a chart of exposure shows, and why is there nothing to part?"""

from dash.development.base_component import Component

from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, one_currency, reasons
from main.monitoring.dashboards.v2.panel import Answers
from main.monitoring.reads import accounts, exposure
from main.monitoring.reads.exposure import Exposure


def shown(answers: Answers) -> Exposure | None:
    """Return what is held in the currency with most accounts that hold anything; ``None`` where nothing is."""
    held = [row for row in answers[exposure.READ].value or [] if row.positions]
    return next(iter(one_currency.shown(held, answers[accounts.READ].value)), None)


def nothing(answers: Answers, scope: Scope, row: Exposure | None) -> Component:
    """Return the empty state: nothing is held, or a price is missing."""
    if row is not None and row.unpriced:
        reason = (
            f"No price of {row.unpriced:,} of {row.positions:,} positions is known; shares of a part would mislead."
        )
        return components.empty("Not known", reason, icon_name="layers")
    return reasons.nothing(answers, scope, "No open positions", "it holds nothing at the moment.", icon_name="layers")
