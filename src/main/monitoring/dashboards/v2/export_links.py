"""Where is the whole list of which a panel shows a page: the same filters, the same view, as a file?"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from dash import html
from dash.development.base_component import Component

from main.domain.scope import Scope
from main.monitoring.dashboards.v2.components import icon
from main.monitoring.read import Read

_FORMATS = (("CSV", "csv"), ("Parquet", "parquet"))


def export_links(read: Read[Any], scope: Scope, given: Mapping[str, str], count: int) -> Component:
    """Return links to files of all `count` rows that a read has for the scope and `given`, its parameters by name."""
    links = [
        html.A([icon("download"), label], href=_address(read, scope, given, form), download="", className="button")
        for label, form in _FORMATS
    ]
    said = "the one row" if count == 1 else f"all {count:,} rows"
    return html.Span([html.Span(f"Export {said}", className="muted"), *links], className="export-links")


def _address(read: Read[Any], scope: Scope, given: Mapping[str, str], form: str) -> str:
    view = {
        "accounts": ",".join(scope.accounts),
        "range": scope.window,
        "strategy": scope.strategy,
        "as_of": scope.as_of and scope.as_of.isoformat(),
        "known_at": scope.known_at and scope.known_at.isoformat(),
    }
    asked = {name: text for name, text in (view | dict(given)).items() if text}
    return f"/api/export/{read.name}?{urlencode(asked | {'format': form})}"
