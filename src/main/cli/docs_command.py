"""What can be written about the suite from its own code?"""

import typer


def register(app: typer.Typer) -> None:
    """Add `docs numbers`."""
    group = typer.Typer(no_args_is_help=True)
    group.command("numbers")(numbers)
    app.add_typer(group, name="docs", help="Documents made from the code.")


def numbers() -> None:
    """Print the catalogue of all numbers as Markdown."""
    from main.monitoring.catalogue import catalogue
    from main.monitoring.read import reads

    typer.echo(catalogue(reads().values()), nl=False)
