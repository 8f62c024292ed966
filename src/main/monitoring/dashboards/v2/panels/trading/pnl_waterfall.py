"""P&L waterfall: through which parts did equity change from what it was to what it is?"""

from collections.abc import Mapping, Sequence

from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, figures, reasons
from main.monitoring.dashboards.v2.figures import Step
from main.monitoring.dashboards.v2.panel import Answers, Drawing, Option, Panel
from main.monitoring.reads import bots, pnl_proof
from main.monitoring.reads.pnl_proof import ProofRow


def draw(answers: Answers, scope: Scope) -> Drawing:
    row = _shown(answers)
    if row is None:
        running = f"{scope.window} has no two observations of equity: choose a longer range."
        return reasons.nothing(answers, scope, "Nothing changed equity", running, icon_name="chart-column", ranged=True)
    if row.unrealized_change is None:
        reason = f"Equity of {row.account_id} was recorded without its unrealised P&L. P&L proof has what is known."
        return components.empty("Not known part by part", reason, icon_name="chart-column")
    return figures.waterfall(_steps(row))


def caption(answers: Answers, scope: Scope) -> str:
    row = _shown(answers)
    return f"{row.account_id} · {row.currency} · {scope.window}" if row else ""


def offers(answers: Answers, scope: Scope) -> Mapping[str, Sequence[str]]:
    """Return the accounts that there is a proof of."""
    return {"account": [row.account_id for row in answers[pnl_proof.READ].value or []]}


def _shown(answers: Answers) -> ProofRow | None:
    rows, wanted = answers[pnl_proof.READ].value or [], answers.chosen["account"]
    return next((row for row in rows if not wanted or row.account_id == wanted), None)


def _steps(row: ProofRow) -> list[Step]:
    """Return the parts that are there, and always those that every account has."""
    always = [("Realised", row.realized), ("Unrealised", row.unrealized_change), ("Fees", -row.fees)]
    sometimes = [
        ("Funding", row.funding),
        ("Dividends", row.dividends),
        ("Interest", row.interest),
        ("Deposits", row.external),
        ("FX", row.fx),
        ("Residual", row.residual),
    ]
    parts = always + [(name, value) for name, value in sometimes if value]
    steps = [Step(name, float(value), moved=name == "Deposits") for name, value in parts if value is not None]
    return [*steps, Step("Δ Equity", float(row.change), whole=True)]


PANEL = Panel(
    "pnl_waterfall",
    "What moved equity",
    page="Performance",
    reads=(pnl_proof.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=5,
    order=110,
    height=240,
    kind="figure",
    options=(Option("account", "Account"),),
    offers=offers,
)
