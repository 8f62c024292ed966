"""How is the bot started? `trade`, with the dashboards beside it if wanted."""

import contextlib
from typing import Annotated

import typer

from main.cli.app import ConfigFile, settings_of

Monitored = Annotated[
    bool | None,
    typer.Option("--enable-monitoring/--disable-monitoring", help="Run the dashboards beside the bot (default: not)."),
]
OnlyTrading = Annotated[bool, typer.Option("--trading-dashboard-only", help="Of the dashboards, only this one.")]
OnlySystem = Annotated[bool, typer.Option("--system-dashboard-only", help="Of the dashboards, only this one.")]
Feed = Annotated[
    str | None, typer.Option("--feed", metavar="FEED", help="sim, replay:PATH of OHLCV files, or ccxt:EXCHANGE.")
]
Broker = Annotated[str | None, typer.Option("--broker", metavar="BROKER", help="Who executes, for example paper.")]
Strategy = Annotated[str | None, typer.Option("--strategy", metavar="NAME", help="What to trade and when.")]
Account = Annotated[
    str | None, typer.Option("--account", metavar="ID", help="The account that is traded; several: A,B.")
]
TradingPort = Annotated[int | None, typer.Option("--trading-port", metavar="N", help="Port of the trading dashboard.")]
SystemPort = Annotated[int | None, typer.Option("--system-port", metavar="N", help="Port of the system dashboard.")]
Interval = Annotated[
    float | None, typer.Option("--interval", metavar="S", help="Seconds between two looks at the market.")
]
Seed = Annotated[int | None, typer.Option("--seed", metavar="N", help="Seed of the simulated market.")]
Speed = Annotated[float | None, typer.Option("--speed", metavar="X", help="Speed of a replay, in bars a second.")]
HistoryDays = Annotated[
    int | None,
    typer.Option("--history-days", metavar="N", help="Days of simulated history written on the first start; 0: none."),
]
Jsonl = Annotated[str | None, typer.Option("--jsonl", metavar="DIR", help="Write everything recorded as JSONL too.")]


def register(app: typer.Typer) -> None:
    """Add `trade`."""
    app.command("trade")(trade)


def trade(
    context: typer.Context,
    *,
    monitored: Monitored = None,
    only_trading: OnlyTrading = False,
    only_system: OnlySystem = False,
    feed: Feed = None,
    broker: Broker = None,
    strategy: Strategy = None,
    account: Account = None,
    trading_port: TradingPort = None,
    system_port: SystemPort = None,
    interval: Interval = None,
    seed: Seed = None,
    speed: Speed = None,
    history_days: HistoryDays = None,
    jsonl: Jsonl = None,
    config_file: ConfigFile = None,
) -> None:
    """Run the bot in the foreground; Ctrl-C ends it, and the dashboards with it."""
    dashboards = _dashboards(monitored, only_trading=only_trading, only_system=only_system)
    overrides = {
        "trade.feed": feed,
        "trade.broker": broker,
        "trade.strategy": strategy,
        "trade.account": account,
        "trade.interval": interval,
        "trade.seed": seed,
        "trade.speed": speed,
        "trade.history_days": history_days,
        "trade.jsonl": jsonl,
        "dashboards.trading.port": trading_port,
        "dashboards.system.port": system_port,
    }
    settings = settings_of(context, overrides, config_file=config_file)

    from main.cli.foreground_bot import ForegroundBot
    from main.telemetry.logging import configure
    from main.telemetry.redaction import secrets_of

    configure("bot", settings.log_dir, style="console", secrets=secrets_of(settings))
    ForegroundBot(settings, dashboards, _say).run()


def _dashboards(monitored: bool | None, *, only_trading: bool, only_system: bool) -> tuple[str, ...]:
    from main.errors import ConfigurationError, Problem

    only = [name for name, chosen in (("trading", only_trading), ("system", only_system)) if chosen]
    if len(only) == 2:
        raise ConfigurationError(
            Problem(
                "both",
                "one of them, or --enable-monitoring for both",
                "--trading-dashboard-only, --system-dashboard-only",
                "command line",
            )
        )
    if only and monitored is False:
        raise ConfigurationError(
            Problem("--disable-monitoring too", "one of the two", f"--{only[0]}-dashboard-only", "command line")
        )
    return tuple(only) if only else ("trading", "system") if monitored else ()


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # the terminal may be gone: no reason to stop
        typer.echo(text)
