"""Risk factor: by how much are new positions scaled, since when, and why?"""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, figures, reasons
from main.monitoring.dashboards.v2.figures import Curve, Level
from main.monitoring.dashboards.v2.panel import Answers, Drawing, Panel, Picture
from main.monitoring.dashboards.v2.risk_marks import ACCOUNT_TONES, account_tones
from main.monitoring.reads import accounts, bots, risk_factor
from main.monitoring.reads.risk_factor import RiskFactorPoint

SAID = 2
"""Accounts whose reason has a line above the chart."""


def draw(answers: Answers, scope: Scope) -> Drawing:
    courses = _lowest(answers[risk_factor.READ].value or [])
    if not courses:
        return reasons.nothing(answers, scope, "No risk factor", "it told of no risk factor.", icon_name="shield-alert")
    known = [row.account for row in answers[accounts.READ].value or []]
    tones = account_tones([points[0].account for points in courses], known)
    curves = [
        Curve(
            points[0].label,
            [point.risk_factor for point in points],
            tones[points[0].account],
            steps=True,
            at=[point.at for point in points],
        )
        for points in courses
    ]
    figure = figures.lines(
        [],
        curves,
        write=text.ratio,
        ticks=lambda ticks: [text.ratio(tick) for tick in ticks],
        levels=[Level(1.0, "usual size")],
        zero=True,
        low=0.0,
    )
    return Picture(html.Div([_line(points[-1]) for points in courses[:SAID]], className="factors"), figure)


def caption(answers: Answers, scope: Scope) -> str:
    rows = answers[risk_factor.READ].value or []
    found = len({row.account for row in rows})
    return (
        f"the lowest {len(ACCOUNT_TONES)} of {found} accounts"
        if found > len(ACCOUNT_TONES)
        else f"1 is the usual size · {scope.window}"
    )


def _lowest(rows: Sequence[RiskFactorPoint]) -> list[list[RiskFactorPoint]]:
    courses: dict[str, list[RiskFactorPoint]] = {}
    for row in rows:
        courses.setdefault(row.account, []).append(row)
    return sorted(courses.values(), key=lambda points: points[-1].risk_factor)[: len(ACCOUNT_TONES)]


def _line(point: RiskFactorPoint) -> Component:
    regime = f" ({point.regime})" if point.regime else ""
    why = f"{point.label}: {point.reason or 'no reason given'}{regime}"
    return components.reading(text.ratio(point.risk_factor), detail=html.Span(why, title=why))


PANEL = Panel(
    "risk_factor",
    "Risk factor",
    page="Risk",
    reads=(risk_factor.READ, accounts.READ, bots.READ),
    draw=draw,
    caption=caption,
    width=6,
    order=50,
    height=300,
    kind="figure",
)
