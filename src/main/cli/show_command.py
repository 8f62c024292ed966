"""Which number would the page show? `show READ` asks the same read, without a server."""

import shutil
from typing import TYPE_CHECKING, Annotated, Any

import typer

from main.cli.app import ConfigFile, settings_of

if TYPE_CHECKING:
    from main.cli.show_options import Asked
    from main.cli.show_output import Answered
    from main.config import Settings
    from main.database.address import Address
    from main.monitoring.api.question import Question
    from main.monitoring.read import LiveSource

EXIT_UNREACHABLE = 4
"""The database did not answer: asking again later may help, which it does not with other errors."""

Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="READ [--PARAMETER VALUE]...", help="The read's name, and parameters of its own."),
]
List = Annotated[bool, typer.Option("--list", help="List every read with its unit and parameters, or explain one.")]
Help = Annotated[bool, typer.Option("--help", help="Show this, or with a READ what it means and its own parameters.")]
Accounts = Annotated[list[str] | None, typer.Option("--account", metavar="ID", help="An account; may be repeated.")]
Range = Annotated[str | None, typer.Option("--range", metavar="WINDOW", help="1D, 1W, YTD … or FROM..TO.")]
AsOf = Annotated[str | None, typer.Option("--as-of", metavar="TIME", help="Look from this past moment.")]
KnownAt = Annotated[str | None, typer.Option("--known-at", metavar="TIME", help="With only what was known then.")]
Strategy = Annotated[str | None, typer.Option("--strategy", metavar="NAME", help="Only this strategy.")]
Limit = Annotated[str | None, typer.Option("--limit", metavar="N", help="At most so many rows.")]
Pairs = Annotated[list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="A parameter by its name.")]
As = Annotated[str, typer.Option("--format", help="table, json or csv; the last two keep every digit.")]
Zone = Annotated[str | None, typer.Option("--zone", help="The zone of times in tables; by default the machine's.")]


def register(app: typer.Typer) -> None:
    """Add `show`; what it does not know itself may be a parameter of the read."""
    passing = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
    app.command("show", context_settings=passing, add_help_option=False)(show)


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
    options = {"accounts": ",".join(account or ()) or None, "range": range_, "as_of": as_of, "known_at": known_at}
    given = options | {"strategy": strategy, "limit": limit}
    question = asked(
        found, {name: text for name, text in given.items() if text is not None}, pairs or (), format_, zone
    )
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
    import asyncio
    import contextlib

    from main.cli.show_output import Answered
    from main.database.pool import Database
    from main.errors import DatabaseError
    from main.monitoring.api.directory import Directory
    from main.monitoring.api.rest import chosen_scope
    from main.monitoring.hub import Hub
    from main.security.viewer import Viewer

    stored = asked.read.source == "sql"
    if stored:
        await _ready(address, own=settings.database.embedded)
    database = Database(address, role="service", max_size=2, application_name="ai-trader show")
    await database.open()
    hub = Hub(database, _live(settings, database))
    running = asyncio.create_task(hub.run())
    try:
        if not stored:
            with contextlib.suppress(DatabaseError):
                await database.ping()  # so that there is something to tell of it
        scope, note = await chosen_scope(asked, Viewer("command line", "operator"), Directory(database))
        return Answered(asked, scope, await hub.ask(asked.read, scope, asked.params), note)
    finally:
        running.cancel()
        await asyncio.wait({running})
        await database.close()


async def _ready(address: "Address", *, own: bool) -> None:
    from main.database.migrate import migrate, schema_status
    from main.errors import SchemaMismatch

    if own:
        await migrate(address)
    elif not (await schema_status(address)).current:
        raise SchemaMismatch("the schema is not the one this version needs; run ai_trader.py db migrate")


def _live(settings: "Settings", database: Any) -> "LiveSource":
    """What this process can tell of itself: its own connection, its machine, and the logs of the services on it."""
    from main.monitoring.collectors.sampling import sampled_once
    from main.monitoring.read import LiveSource
    from main.telemetry.log_search import LogFolder

    logs = LogFolder(settings.log_dir / "dashboards")
    machine = {"host": lambda: sampled_once(settings.data_dir)}
    return LiveSource({"database": lambda: database.status, "logs": lambda: logs, **machine})
