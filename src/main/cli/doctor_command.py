"""Is this installation well, and what mends what is not? `doctor` looks at everything and changes nothing."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from main.cli.app import ConfigFile, settings_of

if TYPE_CHECKING:
    from pathlib import Path

    from main.diagnosis.finding import Finding

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Start = Annotated[bool, typer.Option("--start", help="Start the embedded database for as long as the diagnosis takes.")]

_STYLES = {"PASS": "green", "WARN": "yellow", "FAIL": "bold red", "SKIP": "dim"}


def register(app: typer.Typer) -> None:
    """Add `doctor`."""
    app.command("doctor")(doctor)


def doctor(context: typer.Context, json: Json = False, start: Start = False, config_file: ConfigFile = None) -> None:
    """Examine settings, ports, services, disk and database, and name a fix for each trouble; exit code 1 on a FAIL.

    Nothing is started and nothing is changed. --json prints {version, at, ok, counts: {PASS, WARN, FAIL, SKIP},
    findings: [{check, state, seen, fix}]}; the same check may have several findings.
    """
    from main.diagnosis.finding import State
    from main.telemetry.logging import configure

    configure("doctor", style="console", level="ERROR")
    found = _found(context, start=start, config_file=config_file)
    counts = {state.value: sum(each.state == state for each in found) for state in State}
    if json:
        _print_json(found, counts)
    else:
        _print(found, counts)
    if counts["FAIL"]:
        raise typer.Exit(1)


def _found(context: typer.Context, *, start: bool, config_file: "Path | None") -> "tuple[Finding, ...]":
    import asyncio

    from main.diagnosis.checks import CHECKS
    from main.diagnosis.examination import examine_all
    from main.diagnosis.situation import Situation, situated
    from main.errors import ConfigurationError

    try:
        settings = settings_of(context, config_file=config_file)
    except ConfigurationError as error:
        return asyncio.run(examine_all(CHECKS, Situation(None, error.problems)))
    with situated(settings, start=start) as situation:
        return asyncio.run(examine_all(CHECKS, situation))


def _print_json(found: "Sequence[Finding]", counts: dict[str, int]) -> None:
    from dataclasses import asdict

    import orjson

    from main.clock import now
    from main.telemetry.version import version

    document = {
        "version": version(),
        "at": now(),
        "ok": not counts["FAIL"],
        "counts": counts,
        "findings": [asdict(each) for each in found],
    }
    typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z).decode())


def _print(found: "Sequence[Finding]", counts: dict[str, int]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from main.cli.show_cells import printable

    table = Table(box=None, padding=(0, 1), show_header=False, expand=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", max_width=20)
    table.add_column(overflow="fold")
    for each in found:
        told = Text(printable(each.seen))
        if each.fix:
            told.append(f"\n→ {printable(each.fix)}", style="" if each.state in ("WARN", "FAIL") else "dim")
        table.add_row(Text(each.state, style=_STYLES[each.state]), Text(printable(each.check)), told)
    console = Console(highlight=False)
    console.print(table)
    console.print(", ".join(f"{count} {state}" for state, count in counts.items() if count))
