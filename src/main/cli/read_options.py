"""Which options have the commands that ask a read? Those of every read, by the same names everywhere."""

from typing import Annotated

import typer

EXIT_UNREACHABLE = 4
"""The database did not answer: asking again later may help, which it does not with other errors."""
PASSING = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
"""What such a command does not know itself may be a parameter of the read."""

Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="READ [--PARAMETER VALUE]...", help="The read's name, and parameters of its own."),
]
Help = Annotated[bool, typer.Option("--help", help="Show this, or with a READ what it means and its own parameters.")]
Accounts = Annotated[list[str] | None, typer.Option("--account", metavar="ID", help="An account; may be repeated.")]
Range = Annotated[str | None, typer.Option("--range", metavar="WINDOW", help="1D, 1W, YTD … or FROM..TO.")]
AsOf = Annotated[str | None, typer.Option("--as-of", metavar="TIME", help="Look from this past moment.")]
KnownAt = Annotated[str | None, typer.Option("--known-at", metavar="TIME", help="With only what was known then.")]
Strategy = Annotated[str | None, typer.Option("--strategy", metavar="NAME", help="Only this strategy.")]
Limit = Annotated[str | None, typer.Option("--limit", metavar="N", help="At most so many rows.")]
Pairs = Annotated[list[str] | None, typer.Option("--param", metavar="NAME=VALUE", help="A parameter by its name.")]


def given_options(accounts: list[str] | None, **options: str | None) -> dict[str, str]:
    """Return the options that were given, by the parameter that each of them is."""
    given = options | {"accounts": ",".join(accounts or ()) or None}
    return {name: text for name, text in given.items() if text is not None}
