"""How does a whole list get into a file? `export READ` writes what the filters say, `--table NAME` what is stored."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from main.cli.app import ConfigFile, settings_of
from main.cli.read_options import (
    EXIT_UNREACHABLE,
    PASSING,
    Accounts,
    AsOf,
    Help,
    KnownAt,
    Pairs,
    Range,
    Strategy,
    Words,
    given_options,
)

if TYPE_CHECKING:
    from main.cli.exported_file import Wanted

List = Annotated[bool, typer.Option("--list", help="List every read with its unit and parameters, or explain one.")]
Table = Annotated[str | None, typer.Option("--table", metavar="NAME", help="A table of the database, as it is stored.")]
As = Annotated[str | None, typer.Option("--format", help="csv, parquet, ndjson or json; by default as FILE ends.")]
Output = Annotated[
    Path | None, typer.Option("--output", metavar="FILE", help="Where to; - prints it. By default named after it.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]


def register(app: typer.Typer) -> None:
    """Add `export`; what it does not know itself may be a parameter of the read."""
    app.command("export", context_settings=PASSING, add_help_option=False)(export)


def export(
    context: typer.Context,
    *,
    words: Words = None,
    list_: List = False,
    help_: Help = False,
    table: Table = None,
    account: Accounts = None,
    range_: Range = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    strategy: Strategy = None,
    pairs: Pairs = None,
    format_: As = None,
    output: Output = None,
    force: Force = False,
    config_file: ConfigFile = None,
) -> None:
    """Write any number the suite knows to a file: of a list all rows, exactly those that a page's filters show.

    Exit code 2: something in the question is wrong; 4: the database does not answer; 1: any other failure.
    """
    from main.cli.exported_file import chosen_format, wanted_read, wanted_table
    from main.cli.show_options import sorted_words
    from main.telemetry.logging import configure

    configure("export", style="console", level="ERROR")  # to standard error: what is printed may be piped on
    found = sorted_words([*(words or ()), *context.args])
    if list_ or help_:
        _tell(context, found.read, about_itself=help_)
        return
    given = given_options(account, range=range_, as_of=as_of, known_at=known_at, strategy=strategy)
    form = chosen_format(format_, output)
    if table is not None:
        wanted = wanted_table(table, found, given, form)
    else:
        wanted = wanted_read(found, given, pairs or (), form)
    _write(context, wanted, output, force=force, config_file=config_file)


def _tell(context: typer.Context, read: str | None, *, about_itself: bool) -> None:
    from main.cli import show_output
    from main.monitoring.read import read_named, reads

    if read is not None:
        typer.echo(show_output.help_of(read_named(read)))
    else:
        typer.echo(context.get_help() if about_itself else show_output.listed(reads().values(), "table"))


def _write(
    context: typer.Context, wanted: "Wanted", output: Path | None, *, force: bool, config_file: Path | None
) -> None:
    import asyncio

    from main.cli.exported_file import write
    from main.database.connect import database_of
    from main.errors import DatabaseUnreachable

    settings = settings_of(context, config_file=config_file)
    try:
        with database_of(settings) as address:
            said = asyncio.run(write(address, settings, wanted, output, force=force))
    except DatabaseUnreachable as error:
        typer.echo(error.message, err=True)
        raise typer.Exit(EXIT_UNREACHABLE) from None
    typer.echo(said, err=True)
