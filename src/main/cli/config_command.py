"""Which settings are in force, and are they right? `config check` answers both."""

from typing import TYPE_CHECKING

import typer

from main.cli.app import ConfigFile, settings_of

if TYPE_CHECKING:
    from main.config import Settings


def register(app: typer.Typer) -> None:
    """Add `config check`."""
    group = typer.Typer(no_args_is_help=True)
    group.command("check")(check)
    app.add_typer(group, name="config", help="The settings in force, and what is wrong with them.")


def check(context: typer.Context, config_file: ConfigFile = None) -> None:
    """Print every setting with its source, secrets masked; or every mistake in them (exit code 2)."""
    settings = settings_of(context, config_file=config_file)

    from main.trading.choice import check_names

    check_names(settings)
    _check_pages(settings)
    typer.echo(table(settings))


def _check_pages(settings: "Settings") -> None:
    """Raise `ConfigurationError` for panels, options and values of composed pages that there are not."""
    if not settings.pages:
        return
    from main.errors import ConfigurationError
    from main.monitoring.dashboards.v2.composed import PanelShelf, every_panel

    shelf = PanelShelf(every_panel())
    problems = [
        settings.located(problem, ("pages", number))
        for number, page in enumerate(settings.pages)
        for problem in shelf.problems(page)
    ]
    if problems:
        raise ConfigurationError(problems)


def table(settings: "Settings") -> str:
    """Return the settings as lines of key, value and source in columns."""
    rows = tuple(settings.describe())
    key_width = max(len(row.key) for row in rows)
    value_width = min(40, max(len(row.value) for row in rows))
    lines = [f"{row.key:{key_width}}  {row.value:{value_width}}  {row.source}" for row in rows]
    database = "the embedded PostgreSQL" if settings.database.embedded else "the PostgreSQL at database.host"
    return "\n".join([*lines, "", f"No mistakes found. The database is {database}."])
