"""May a library that plotly finds among the loaded modules be used, or is another thread still importing it?

Plotly asks every value that it writes as JSON whether it is one of pandas or numpy, if those are loaded. While a thread
imports pandas, which takes a second and happens when the first calendar is asked for, the module is there but almost
empty: each page that was opened in that second got a server error in place of its layout, and stayed blank.
"""

import sys
from types import ModuleType

import _plotly_utils.utils as plotly_utils
import plotly.io._json as plotly_json
from _plotly_utils.optional_imports import get_module


def whole_module(name: str, should_load: bool = True) -> ModuleType | None:
    """Return the module as plotly's own `get_module` does, ``None`` as long as its import is not over."""
    found = sys.modules.get(name)
    if not should_load and getattr(getattr(found, "__spec__", None), "_initializing", False):
        return None  # whatever is to be written is none of its values: there cannot be any yet
    module: ModuleType | None = get_module(name, should_load)
    return module


def let_plotly_wait_for_whole_modules() -> None:
    """Have plotly's JSON overlook a library until it is imported."""
    plotly_json.get_module = whole_module
    plotly_utils.get_module = whole_module
