"""P&L proof: does the change of equity follow from what was earned, paid and moved, and what is left unexplained?"""

from decimal import Decimal

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import captions, components, reasons
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.dashboards.v2.table import Cell, Column, Row, table
from main.monitoring.reads import bots, pnl_proof
from main.monitoring.reads.pnl_proof import ProofRow

MOST = 20
SMALLEST = Decimal("0.005")
"""What rounds to 0.00 is no residual."""

_COLUMNS = (
    Column("Account", phone="name"),
    Column("Currency", muted=True),
    Column("Equity before", "right"),
    Column("Realised", "right", phone="figure"),
    Column("Δ Unrealised", "right"),
    Column("Fees", "right"),
    Column("Funding", "right"),
    Column("Dividends", "right"),
    Column("Interest", "right"),
    Column("Deposits", "right"),
    Column("FX", "right"),
    Column("Residual", "right", phone="figure"),
    Column("Δ Equity", "right", phone="figure"),
    Column("Equity now", "right"),
    Column("Proof", phone="corner"),
)
_UNSEEN = "the observations do not say what was unrealised"


def draw(answers: Answers, scope: Scope) -> Component:
    rows = answers[pnl_proof.READ].value
    if not rows:
        running = f"{scope.window} has no two observations of equity: choose a longer range."
        return reasons.nothing(answers, scope, "Nothing to prove", running, icon_name="check", ranged=True)
    shown = sorted(rows, key=_residual, reverse=True)[:MOST]
    return table(_COLUMNS, [Row(row.account_id, _cells(row)) for row in shown], label="P&L proof by account")


def caption(answers: Answers, scope: Scope) -> str:
    rows = answers[pnl_proof.READ].value or []
    cut = captions.cut(MOST, len(rows), "the least proved", "accounts")
    return captions.joined("what moved equity", scope.window, cut)


def _residual(row: ProofRow) -> Decimal:
    return abs(row.residual) if row.residual is not None else Decimal(0)


def _cells(row: ProofRow) -> list[Cell]:
    def money(value: Decimal | None) -> Cell:
        return components.unknown(_UNSEEN) if value is None else text.signed_money(value)

    return [
        row.account_id,
        row.currency,
        text.money(row.equity_before),
        money(row.realized),
        money(row.unrealized_change),
        money(-row.fees),
        money(row.funding),
        money(row.dividends),
        money(row.interest),
        money(row.external),
        money(row.fx),
        money(row.residual),
        components.signed_money(row.change),
        text.money(row.equity_after),
        _verdict(row),
    ]


def _verdict(row: ProofRow) -> Component:
    if row.residual is None:
        return components.chip("Not known", "outline", title=_UNSEEN)
    if _residual(row) < SMALLEST:
        return components.chip("Adds up", "ok", icon_name="check")
    return components.chip("Residual", "warn", icon_name="triangle-alert", title="no part explains this much")


PANEL = Panel(
    "pnl_proof",
    "P&L proof",
    page="Performance",
    reads=(pnl_proof.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=12,
    order=120,
    kind="flush",
    skeleton="table",
)
