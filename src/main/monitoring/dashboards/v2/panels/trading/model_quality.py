"""Model quality: do the models go on being right, and do their inputs still look like those they learned from?"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import captions, figures, reasons
from main.monitoring.dashboards.v2.panel import Answers, FigureDict, Option, Panel
from main.monitoring.reads import bots, model_history, models
from main.monitoring.reads.model_history import ModelParams, ModelQuality

MOST = 4  # lines that can be told apart by their ends
Write = Callable[[float | None], str]
_MEASURES: Mapping[str, tuple[str, Write, tuple[figures.Level, ...]]] = {
    "accuracy": ("Accuracy", lambda v: text.percent(v, 1), (figures.Level(0.5, "a coin"),)),
    "ic": ("IC", lambda v: text.ratio(v, signed=True), (figures.Level(0.0, solid=True),)),
    "sharpe": ("Sharpe", text.ratio, (figures.Level(0.0, solid=True),)),
    "drift": ("Drift", text.ratio, (figures.Level(0.2, "0.20 wants a look", "warn"),)),
    "error": ("Error", text.ratio, ()),
}


def draw(answers: Answers, scope: Scope) -> Component | FigureDict:
    judged = answers[model_history.READ].value or []
    title, write, levels = _MEASURES[answers.chosen["measure"]]
    lines = _lines(judged, answers.chosen["measure"])
    if not lines:
        running = f"no model was judged in {scope.window}; most are about once a day."
        return reasons.nothing(
            answers,
            scope,
            f"{title} is not known" if judged else "No judgement",
            running,
            icon_name="workflow",
            ranged=True,
        )
    at = sorted({moment for points in lines.values() for moment in points})
    curves = [
        figures.Curve(name, list(points.values()), f"cat-{index + 1}", at=list(points))
        for index, (name, points) in enumerate(list(lines.items())[:MOST])
    ]
    return figures.lines(at, curves, write=write, ticks=lambda ticks: [write(tick) for tick in ticks], levels=levels)


def caption(answers: Answers, scope: Scope) -> str:
    lines = _lines(answers[model_history.READ].value or [], answers.chosen["measure"])
    return captions.joined(scope.window, captions.cut(MOST, len(lines), "the newest judged", "versions"))


def offers(answers: Answers, scope: Scope) -> Mapping[str, Sequence[str]]:
    return {"model": ["", *dict.fromkeys(model.model for model in answers[models.READ].value or [])]}


def _lines(judged: Sequence[ModelQuality], measure: str) -> dict[str, dict[datetime, float]]:
    """Return the points of each version of a model, oldest first, of the newest judged versions first."""
    lines: dict[str, dict[datetime, float]] = {}
    for each in judged:
        value = getattr(each, measure)
        if value is not None:
            lines.setdefault(f"{each.model} {each.version}", {})[each.at] = value
    newest = sorted(lines.items(), key=lambda line: max(line[1]), reverse=True)
    return dict(newest)


PANEL = Panel(
    "model_quality",
    "Model quality",
    page="Models",
    reads=(model_history.READ, models.READ, bots.READ),
    options=(
        Option("measure", "Measure", tuple((name, title) for name, (title, _, _) in _MEASURES.items())),
        Option("model", "Model"),
    ),
    params=lambda chosen: {model_history.READ: ModelParams(model=chosen["model"] or None)},
    offers=offers,
    draw=draw,
    caption=caption,
    width=7,
    order=20,
    height=300,
    kind="figure",
)
