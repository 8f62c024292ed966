"""Is the database there, in shape, and are the books in it right? `db migrate`, `db status` and `db verify`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from main.cli.app import ConfigFile, settings_of

if TYPE_CHECKING:
    from main.books.verify import Verified
    from main.database.address import Address
    from main.database.report import DatabaseReport

Json = Annotated[bool, typer.Option("--json", help="Print JSON, with every digit.")]
Accounts = Annotated[
    list[str] | None, typer.Option("--account", metavar="ID", help="Only this account; may be repeated.")
]

SHOWN = 50
"""Differences printed of an account; `--json` has all of them."""


def register(app: typer.Typer) -> None:
    """Add `db migrate`, `db status` and `db verify`."""
    group = typer.Typer(no_args_is_help=True)
    group.command("migrate")(migrate)
    group.command("status")(status)
    group.command("verify")(verify)
    app.add_typer(group, name="db", help="The database: its schema, reach and size.")


def migrate(context: typer.Context, json: Json = False, config_file: ConfigFile = None) -> None:
    """Bring the schema up to date; safe to run at any time and from many places at once."""
    settings = settings_of(context, config_file=config_file)

    import asyncio

    from main.database.connect import database_of
    from main.database.keeper import direct_address
    from main.database.migrate import migrate as apply
    from main.telemetry.logging import configure

    configure("db", style="console", level="WARNING")
    with database_of(settings) as address:
        applied = asyncio.run(apply(direct_address(settings, address)))
    if json:
        _print_json({"applied": list(applied)})
        return
    for name in applied:
        typer.echo(f"applied {name}")
    typer.echo(f"{len(applied)} applied, the schema is current." if applied else "The schema is current.")


def status(context: typer.Context, json: Json = False, config_file: ConfigFile = None) -> None:
    """Tell whether the database answers, its version, schema and size; exit code 1 when something is pending."""
    settings = settings_of(context, config_file=config_file)

    import asyncio
    from dataclasses import asdict

    from main.database.connect import database_of
    from main.database.keeper import direct_address
    from main.database.report import database_report
    from main.telemetry.logging import configure

    configure("db", style="console", level="WARNING")
    with database_of(settings) as address:
        report = asyncio.run(database_report(direct_address(settings, address)))
    if json:
        _print_json({"embedded": settings.database.embedded, **asdict(report), "current": report.schema.current})
    else:
        _print(report, embedded=settings.database.embedded)
    if not report.schema.current:
        raise typer.Exit(1)


def verify(
    context: typer.Context, accounts: Accounts = None, json: Json = False, config_file: ConfigFile = None
) -> None:
    """Derive positions, trades, days, equity and the P&L proof from the facts anew; exit code 1 when any differs."""
    settings = settings_of(context, config_file=config_file)

    import asyncio
    from dataclasses import asdict

    from main.database.connect import database_of
    from main.telemetry.logging import configure

    configure("db", style="console", level="WARNING")
    with database_of(settings) as address:
        found = asyncio.run(_verified(address, accounts or None))
    if json:
        _print_json({"accounts": [asdict(each) for each in found]})
    else:
        _print_verified(found)
    if any(each.differences for each in found):
        raise typer.Exit(1)


async def _verified(address: "Address", accounts: list[str] | None) -> "tuple[Verified, ...]":
    from main.books.facts import PATIENCE_SECONDS
    from main.books.verify import verify as verify_books
    from main.database.pool import Database

    name = "ai-trader verify"
    database = Database(address, role="service", max_size=1, command_timeout=PATIENCE_SECONDS, application_name=name)
    await database.open()
    try:
        return await verify_books(database, accounts)
    finally:
        await database.close()


def _print_verified(found: "tuple[Verified, ...]") -> None:
    from main.cli.show_table import as_table

    if not found:
        typer.echo("No accounts: nothing to verify.")
    for each in found:
        told = f"{each.facts:,} facts, {each.compared:,} derived rows"
        told += f"; {each.waiting:,} facts still wait for the worker" if each.waiting else ""
        if each.skipped is not None:
            typer.echo(f"{each.account}: not verified, {each.skipped}")
        elif not each.differences:
            typer.echo(f"{each.account}: right ({told})")
        else:
            typer.echo(f"{each.account}: {len(each.differences):,} differences ({told})")
            rows = [(d.kind, d.key, d.field, d.stored, d.derived) for d in each.differences[:SHOWN]]
            typer.echo(as_table(("what", "which", "field", "stored", "from the facts"), rows))
            if len(each.differences) > SHOWN:
                typer.echo(f"… and {len(each.differences) - SHOWN:,} more (--json prints all)")


def _print(report: "DatabaseReport", *, embedded: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from main.text import bytes_, latency

    console = Console()
    facts = Table.grid(padding=(0, 2))
    facts.add_row("Database", f"{report.target}{' (embedded)' if embedded else ''}")
    facts.add_row("PostgreSQL", f"{report.version}, answers in {latency(report.ping_seconds)}")
    facts.add_row("Connections", f"{report.connections} of {report.max_connections}")
    facts.add_row("Schema", _schema(report))
    facts.add_row("Size", bytes_(report.database_bytes))
    console.print(facts)
    sizes = Table(box=None, padding=(0, 2), header_style="bold")
    sizes.add_column("Table")
    sizes.add_column("Rows (estimate)", justify="right")
    sizes.add_column("Size", justify="right")
    for table in report.tables:
        sizes.add_row(table.table, "—" if table.rows is None else f"{table.rows:,}", bytes_(table.bytes))
    if report.tables:
        console.print(sizes)


def _schema(report: "DatabaseReport") -> str:
    schema = report.schema
    parts = [f"{len(schema.applied)} applied"]
    if schema.pending:
        parts.append(f"pending: {', '.join(schema.pending)} (run `ai_trader.py db migrate`)")
    if schema.changed:
        parts.append(f"changed after they were applied: {', '.join(schema.changed)} (restore these files)")
    if schema.unknown:
        parts.append(f"{len(schema.unknown)} of a newer version")
    return "; ".join(parts)


def _print_json(document: dict[str, Any]) -> None:
    import orjson

    typer.echo(orjson.dumps(document, default=str, option=orjson.OPT_INDENT_2).decode())
