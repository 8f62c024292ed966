"""Which colours, sizes and type do the component libraries use? Those of `assets/tokens.css`, each in its own form."""

import json
from functools import cache
from pathlib import Path
from typing import Any

ASSETS = Path(__file__).parent / "assets"
THEMES = ("dark", "light")
DEFAULT_THEME = "dark"


@cache
def _components() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ASSETS / "components.json").read_text(encoding="utf-8"))
    return loaded


def mantine_theme() -> dict[str, Any]:
    """Return the theme object of ``dmc.MantineProvider``."""
    theme: dict[str, Any] = _components()["mantine"]
    return theme


def grid_theme() -> dict[str, Any]:
    """Return the value of AG Grid's ``dashGridOptions["theme"]``."""
    theme: dict[str, Any] = _components()["ag_grid"]["theme"]
    return theme


def chart_templates() -> dict[str, Any]:
    """Return the Plotly templates by theme, as the browser puts them into every figure."""
    templates: dict[str, Any] = json.loads((ASSETS / "plotly.json").read_text(encoding="utf-8"))
    return templates
