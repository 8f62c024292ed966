"""Feeds and pipelines: a card for each, how fast it delivers, how old its last word is, how far it is behind."""

from collections.abc import Sequence
from datetime import datetime

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import captions, components
from main.monitoring.dashboards.v2.components import Child, LightState
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.reads import feeds, pipelines
from main.monitoring.reads.feeds import FeedState
from main.monitoring.reads.pipelines import PipelineParams, PipelineRun

MOST = 48
_STATES: dict[str, LightState] = {"ok": "ok", "late": "late", "failed": "down", "down": "down", "cut short": "degraded"}
_WORDS = {"ok": "Running", "down": "Silent", "idle": "Idle", "unknown": "Nothing received"}
_WORST_FIRST = ("down", "failed", "late", "cut short", "unknown", "ok", "idle", "ended")


def draw(answers: Answers, scope: Scope) -> Component:
    cards = _cards(answers, scope)
    if not cards:
        reason = "No account trades on a feed yet. Start a bot with: python ai_trader.py trade"
        return components.empty("No feeds or pipelines", reason, icon_name="workflow")
    return html.Div([card for _, card in cards[:MOST]], className="pipeline-cards", role="list")


def caption(answers: Answers, scope: Scope) -> str:
    cards = _cards(answers, scope)
    troubled = sum(condition in ("down", "failed", "late", "cut short") for condition, _ in cards)
    cut = captions.cut(min(MOST, len(cards)), len(cards), "the worst")
    return captions.joined(f"{troubled} in trouble" if troubled else "", cut)


def _cards(answers: Answers, scope: Scope) -> list[tuple[str, Component]]:
    found = [(feed.condition, _feed(feed, scope)) for feed in answers[feeds.READ].value or []]
    runs = [run for run in answers[pipelines.READ].value or [] if run.newest]
    found += [(run.condition, _pipeline(run, scope)) for run in runs]
    return sorted(found, key=lambda card: _WORST_FIRST.index(card[0]))


def _feed(feed: FeedState, scope: Scope) -> Component:
    rate = components.amount(text.ratio(feed.messages_per_second, 1), reason="nothing came in the last minute")
    figures: list[tuple[str, Child]] = [
        ("Messages a second", rate),
        ("Last message", _when(feed.heard_at, scope)),
        ("Late after", text.duration(feed.expected_seconds)),
        ("Symbols", f"{feed.symbols:,}"),
    ]
    return _card("globe", "Market data", feed.source, feed.condition, figures)


def _pipeline(run: PipelineRun, scope: Scope) -> Component:
    behind: Child = components.unknown("it tells of no lag")
    if run.lag_seconds is not None:
        promised = "no objective" if run.slo_seconds is None else f"of {text.latency(run.slo_seconds)}"
        behind = f"{text.latency(run.lag_seconds)} {promised}"
    errors = components.amount(text.percent(run.error_share, 2), reason="it counts no rows")
    figures: list[tuple[str, Child]] = [
        ("Rows a second", components.amount(text.ratio(run.rows_per_second, 1), reason="it counts no rows")),
        ("Last success", _when(run.last_success_at, scope)),
        ("Lag", behind),
        ("Errors", [errors, f" · {run.errors:,}"] if run.error_share is not None else f"{run.errors:,}"),
    ]
    icon = "activity" if run.kind == "feed" else "workflow"
    return _card(icon, run.pipeline, run.source, run.condition, figures, message=run.message or "")


def _card(
    icon: str, name: str, source: str, condition: str, figures: Sequence[tuple[str, Child]], *, message: str = ""
) -> Component:
    state = _STATES.get(condition, "unknown")
    head = html.Div(
        [
            components.icon(icon),
            html.Span(name, className="pipeline-name", title=name),
            components.light(state, _WORDS.get(condition, condition.capitalize())),
        ],
        className="pipeline-head",
    )
    parts: list[Component] = [head, html.Div(source, className="pipeline-source", title=source)]
    parts.append(components.facts(figures))
    if message:
        parts.append(html.Div(message, className="pipeline-message", title=message))
    return html.Div(parts, className=f"pipeline-card pipeline-card-{state}", role="listitem")


def _when(at: datetime | None, scope: Scope) -> Child:
    if at is None:
        return components.unknown("never")
    return [components.age(at), " ago"] if scope.live else components.moment(at)


PANEL = Panel(
    "pipeline_cards",
    "Feeds and pipelines",
    page="Pipelines",
    reads=(feeds.READ, pipelines.READ),
    params=lambda chosen: {pipelines.READ: PipelineParams(runs=1)},
    draw=draw,
    caption=caption,
    width=12,
    order=10,
    kind="flush",
    skeleton="lights",
)
