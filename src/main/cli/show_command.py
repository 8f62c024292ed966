"""Which number would the page show? `show READ` asks the same read, without a server."""

import shutil
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
    Limit,
    Pairs,
    Range,
    Strategy,
    Words,
    given_options,
)

if TYPE_CHECKING:
    from main.cli.show_options import Asked
    from main.cli.show_output import Answered
    from main.config import Settings
    from main.database.address import Address
    from main.monitoring.api.question import Question

List = Annotated[bool, typer.Option("--list", help="List every read with its unit and parameters, or explain one.")]
As = Annotated[str, typer.Option("--format", help="table, json or csv; the last two keep every digit.")]
Zone = Annotated[str | None, typer.Option("--zone", help="The zone of times in tables; by default the machine's.")]


def register(app: typer.Typer) -> None:
    """Add `show`; what it does not know itself may be a parameter of the read."""
    app.command("show", context_settings=PASSING, add_help_option=False)(show)


def show(
    context: typer.Context,
    *,
    words: Words = None,
    list_: List = False,
    help_: Help = False,
    account: Accounts = None,
    range_: Range = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    strategy: Strategy = None,
    limit: Limit = None,
    pairs: Pairs = None,
    format_: As = "table",
    zone: Zone = None,
    config_file: ConfigFile = None,
) -> None:
    """Print any number the suite knows, as the pages would show it.

    Exit code 2: something in the question is wrong; 4: the database does not answer; 1: any other failure.
    """
    from main.cli.show_options import asked, sorted_words
    from main.telemetry.logging import configure

    configure("show", style="console", level="ERROR")  # to standard error: what is printed may be piped on
    found = sorted_words([*(words or ()), *context.args])
    if list_ or help_:
        _tell(context, found.read, format_, about_itself=help_)
        return
    options = {"range": range_, "as_of": as_of, "known_at": known_at, "strategy": strategy, "limit": limit}
    question = asked(found, given_options(account, **options), pairs or (), format_, zone)
    _print(question, _answered(settings_of(context, config_file=config_file), question.question))


def _tell(context: typer.Context, read: str | None, format_: str, *, about_itself: bool) -> None:
    from main.cli import show_output
    from main.monitoring.read import read_named, reads

    if read is not None:
        typer.echo(show_output.help_of(read_named(read)))
    else:
        typer.echo(context.get_help() if about_itself else show_output.listed(reads().values(), format_))


def _answered(settings: "Settings", asked: "Question") -> "Answered":
    from main.errors import DatabaseUnreachable

    try:
        return ask(settings, asked)
    except DatabaseUnreachable as error:
        typer.echo(error.message, err=True)
        raise typer.Exit(EXIT_UNREACHABLE) from None


def _print(asked: "Asked", told: "Answered") -> None:
    from main.cli import show_output
    from main.cli.show_cells import Cells
    from main.cli.show_table import ENDLESS
    from main.monitoring.read import State

    cells = Cells(asked.zone)
    if asked.format == "table":
        width = shutil.get_terminal_size((ENDLESS, 0)).columns
        typer.echo(show_output.tables(told, cells, width))
    else:
        typer.echo(show_output.printed(told, asked.format))
    if asked.format == "csv":
        typer.echo(show_output.freshness_line(told.answer, cells), err=True)
    if told.answer.error is not None:
        typer.echo(told.answer.error, err=True)
        raise typer.Exit(EXIT_UNREACHABLE if told.answer.state is State.UNREACHABLE else 1)


def ask(settings: "Settings", asked: "Question") -> "Answered":
    """Return the answer to a question.

    Raises SchemaMismatch, DatabaseUnreachable, UnknownName for an account that is not there.
    """
    import asyncio

    from main.database.connect import database_of

    with database_of(settings) as address:
        return asyncio.run(_asked(address, asked, settings))


async def _asked(address: "Address", asked: "Question", settings: "Settings") -> "Answered":
    from main.cli.asking import asking
    from main.cli.show_output import Answered

    async with asking(address, settings, "show", stored=asked.read.source == "sql") as ours:
        scope, note = await ours.scope(asked)
        return Answered(asked, scope, await ours.hub.ask(asked.read, scope, asked.params), note)
