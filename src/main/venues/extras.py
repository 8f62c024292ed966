"""Is the library of a venue there? It is an optional extra, and who lacks it is told how to get it."""

import importlib
import warnings
from types import ModuleType

from main.errors import ConfigurationError, Problem


def library(module: str, extra: str, setting: str) -> ModuleType:
    """Import and return `module`, which the optional `extra` installs; `setting` is what asked for it.

    Raise `ConfigurationError` when it is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # alpaca-py imports the old half of websockets
            return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            Problem(
                key=setting,
                got=f"a venue that needs the package {error.name}, which is not installed",
                expected=f"the extra {extra!r}",
                # Editable: a copy of the package beside the libraries would hide the one that is updated here.
                hint=f"install it with: .venv/bin/python -m pip install --editable '.[{extra}]'",
            )
        ) from None
