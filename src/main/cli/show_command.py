"""Which number would the page show? `show READ` asks the same read, without a server."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from main.cli.app import ConfigFile, settings_of

if TYPE_CHECKING:
    from main.config import Settings
    from main.database.address import Address
    from main.domain.scope import Scope
    from main.monitoring.api.question import Question
    from main.monitoring.read import Answer

Format = Literal["table", "json", "csv"]

Name = Annotated[str | None, typer.Argument(metavar="READ", help="The read's name; --list shows them all.")]
List = Annotated[bool, typer.Option("--list", help="List every read with its unit and what it means.")]
Accounts = Annotated[list[str] | None, typer.Option("--account", metavar="ID", help="An account; may be repeated.")]
Range = Annotated[str | None, typer.Option("--range", metavar="WINDOW", help="1D, 1W, YTD … or FROM..TO.")]
AsOf = Annotated[str | None, typer.Option("--as-of", metavar="TIME", help="Look from this past moment.")]
KnownAt = Annotated[str | None, typer.Option("--known-at", metavar="TIME", help="With only what was known then.")]
Strategy = Annotated[str | None, typer.Option("--strategy", metavar="NAME", help="Only this strategy.")]
Limit = Annotated[str | None, typer.Option("--limit", metavar="N", help="At most so many rows.")]
Own = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter of the read's own.")]
As = Annotated[Format, typer.Option("--format", help="How it is printed; json and csv keep every digit.")]


def register(app: typer.Typer) -> None:
    """Add `show`."""
    app.command("show")(show)


def show(
    context: typer.Context,
    *,
    read: Name = None,
    list_: List = False,
    account: Accounts = None,
    range_: Range = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    strategy: Strategy = None,
    limit: Limit = None,
    own: Own = None,
    format_: As = "table",
    config_file: ConfigFile = None,
) -> None:
    """Print any number the suite knows, as the pages would show it."""
    from main.cli import show_output
    from main.errors import ConfigurationError, Problem
    from main.monitoring.api.question import question
    from main.monitoring.read import read_named, reads
    from main.telemetry.logging import configure

    configure("show", style="console", level="WARNING")  # to standard error: what is printed may be piped on
    if list_:
        typer.echo(show_output.catalogue(reads().values(), format_))
        return
    if read is None:
        raise ConfigurationError(Problem("nothing", "the name of a read", key="READ", hint="show --list has them all"))
    options = {"accounts": ",".join(account or ()) or None, "range": range_, "as_of": as_of, "known_at": known_at}
    given = options | {"strategy": strategy, "limit": limit} | _own(own or ())
    asked = question(read_named(read), {name: text for name, text in given.items() if text is not None})
    scope, answer = ask(settings_of(context, config_file=config_file), asked)
    typer.echo(show_output.printed(asked, scope, answer, format_))
    if answer.error is not None:
        typer.echo(answer.error, err=True)
        raise typer.Exit(1)


def ask(settings: "Settings", asked: "Question") -> "tuple[Scope, Answer[object]]":
    """Return the answer to a question and the scope it was asked with.

    Raises AITraderError for a read that only a running dashboard can answer, SchemaMismatch, DatabaseUnreachable,
    UnknownName for an account that is not there.
    """
    import asyncio

    from main.database.connect import database_of
    from main.errors import AITraderError

    if asked.read.source == "live":
        where = f"http://localhost:{settings.dashboards.system.port}/api/reads/{asked.read.name}"
        raise AITraderError(f"{asked.read.name} is measured by a running dashboard: ask it at {where}")
    with database_of(settings) as address:
        return asyncio.run(_asked(address, asked, own_database=settings.database.embedded))


async def _asked(address: "Address", asked: "Question", *, own_database: bool) -> "tuple[Scope, Answer[object]]":
    import asyncio

    from main.database.migrate import migrate, schema_status
    from main.database.pool import Database
    from main.errors import SchemaMismatch
    from main.monitoring.api.directory import Directory
    from main.monitoring.api.rest import chosen_scope
    from main.monitoring.hub import Hub
    from main.security.viewer import Viewer

    if own_database:
        await migrate(address)
    elif not (await schema_status(address)).current:
        raise SchemaMismatch("the schema is not the one this version needs; run ai_trader.py db migrate")
    database = Database(address, role="service", max_size=2, application_name="ai-trader show")
    await database.open()
    hub = Hub(database)
    running = asyncio.create_task(hub.run())
    try:
        scope, _ = await chosen_scope(asked, Viewer("command line", "operator"), Directory(database))
        return scope, await hub.ask(asked.read, scope, asked.params)
    finally:
        running.cancel()
        await asyncio.wait({running})
        await database.close()


def _own(pairs: "list[str] | tuple[str, ...]") -> dict[str, str]:
    from main.errors import ConfigurationError, Problem

    for pair in pairs:
        if "=" not in pair:
            raise ConfigurationError(Problem(f'"{pair}"', "NAME=VALUE", key="--set", file="command line"))
    return dict(pair.split("=", 1) for pair in pairs)
