"""Activity: what happened last, one line each."""

from dash import html
from dash.development.base_component import Component

from main import text
from main.domain.scope import Scope
from main.monitoring.dashboards.v2 import components, reasons
from main.monitoring.dashboards.v2.components import Child, FeedItem, Tone
from main.monitoring.dashboards.v2.panel import Answers, Panel
from main.monitoring.reads import activity, bots
from main.monitoring.reads.activity import Activity

_TONES: dict[str | None, Tone] = {"critical": "critical", "error": "critical", "warning": "warn"}


def draw(answers: Answers, scope: Scope) -> Component:
    events = answers[activity.READ].value
    if not events:
        return reasons.nothing(
            answers,
            scope,
            "Nothing happened yet",
            "it watches the market, but nothing has traded.",
            icon_name="activity",
        )
    several = len(scope.accounts) > 1
    return components.feed([_item(event, several) for event in events], label="Activity, newest first")


def _item(event: Activity, several: bool) -> FeedItem:
    word, tone, said = _said(event)
    return FeedItem(event.at, word, said, (event.label or "") if several else "", tone)


def _said(event: Activity) -> tuple[str, Tone, Child]:
    if event.kind == "fill":
        return (event.side or "").capitalize(), "neutral", _execution(event)
    if event.kind in ("rejected", "cancelled", "expired"):
        why = f": {event.word}" if event.word else ""
        tone: Tone = "warn" if event.kind == "rejected" else "neutral"
        return (event.side or "").capitalize(), tone, [_symbol(event), f" {_quantity(event)} {event.kind}{why}"]
    if event.kind == "exit":
        why = f", {event.word.replace('_', ' ')}" if event.word else ""
        return "Exit", "neutral", [_symbol(event), " ", components.signed_money(event.pnl, arrow=False), why]
    if event.kind == "alert":
        return "Alert", _TONES.get(event.severity, "info"), event.said or ""
    word = "Risk" if (event.word or "").startswith("risk") else (event.severity or "event").capitalize()
    return word, _TONES.get(event.severity, "neutral"), event.said or ""


def _execution(event: Activity) -> Child:
    whole = event.order_quantity
    partial = f"{text.quantity(whole, event.quantity_step)} · " if whole and whole != event.quantity else ""
    price = text.price(event.price, event.tick)
    return [_symbol(event), f" {partial}{_quantity(event)} filled at {price}"]


def _quantity(event: Activity) -> str:
    return text.quantity(event.quantity, event.quantity_step)


def _symbol(event: Activity) -> Component:
    return html.Strong(event.symbol or "")


PANEL = Panel(
    "activity",
    "Activity",
    page="Overview",
    reads=(activity.READ, bots.READ),
    draw=draw,
    width=5,
    order=60,
    height=240,
    kind="flush",
    skeleton="feed",
)
