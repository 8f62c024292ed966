"""How does a line typed by the user reach its command, and how does a failure leave the program?

A module of this package whose name ends in `_command` adds its commands in `register(app: typer.Typer)`. At its top it
imports nothing heavier than typer, because every module is loaded for `--help`; the rest it imports in its functions.
"""

import importlib
import pkgutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from main import cli
from main.errors import AITraderError

if TYPE_CHECKING:
    from main.config import Settings

COMMAND_SUFFIX = "_command"

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config-file", metavar="FILE", help="Settings in YAML, instead of config/dashboards.yaml."),
]


@dataclass(frozen=True, slots=True)
class GlobalOptions:
    """What stands before the command."""

    config_file: Path | None = None


def settings_of(
    context: typer.Context, overrides: Mapping[str, object] | None = None, *, config_file: Path | None = None
) -> "Settings":
    """Return the settings for a command; `overrides` are its options by dotted key, None for an option not given.

    Raises ConfigurationError.
    """
    from main.config import load_settings

    before = context.find_object(GlobalOptions) or GlobalOptions()
    return load_settings(overrides, config_file=config_file or before.config_file)


def build_app() -> typer.Typer:
    """Return the root of all commands, those of every `*_command` module included."""
    app = typer.Typer(
        name="ai_trader.py",
        help="AI Trader: run a bot, and watch every bot you run.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,  # a traceback with local variables would show passwords
        rich_markup_mode=None,
    )

    @app.callback()
    def remember_global_options(context: typer.Context, config_file: ConfigFile = None) -> None:
        context.obj = GlobalOptions(config_file)

    for module in sorted(pkgutil.iter_modules(cli.__path__), key=lambda module: module.name):
        if module.name.endswith(COMMAND_SUFFIX):
            importlib.import_module(f"{cli.__name__}.{module.name}").register(app)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (by default the process's own) and return its exit code; errors go to stderr, one a line."""
    try:
        build_app()(args=None if arguments is None else list(arguments))
    except AITraderError as error:
        typer.echo(error.message, err=True)
        return error.exit_code
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
