"""How are the dashboards run: one in the foreground, or the supervised set in the background?"""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from main.cli.app import ConfigFile, settings_of

if TYPE_CHECKING:
    from main.config import Settings
    from main.monitoring.dashboards.v2.running_manager import RunningManager

Json = Annotated[bool, typer.Option("--json", help="Print JSON, with every digit.")]
_UNHEALTHY = ("failed", "restarting", "stopped")


class Dashboard(StrEnum):
    """The dashboards that can be run."""

    TRADING = "trading"
    SYSTEM = "system"
    MONITORING = "monitoring"


def register(app: typer.Typer) -> None:
    """Add `dashboards run`, `start`, `status`, `restart` and `stop`."""
    group = typer.Typer(no_args_is_help=True)
    for command in (run, start, status, restart, stop):
        group.command(command.__name__)(command)
    app.add_typer(group, name="dashboards", help="The dashboards and the worker beside them.")


def run(
    context: typer.Context,
    dashboard: Dashboard,
    *,
    port: int | None = typer.Option(None, "--port", metavar="N", help="Port to listen on."),
    host: str | None = typer.Option(None, "--host", metavar="H", help="Address to listen on."),
    update_interval: float | None = typer.Option(
        None,
        "--update-interval",
        metavar="S",
        help="Seconds between looks at what does not announce itself; of the wallboard, between two pushes.",
    ),
    config_file: ConfigFile = None,
) -> None:
    """Run one dashboard in the foreground; monitoring is the wallboard, one page of what matters most."""
    chosen = f"dashboards.{dashboard.value}"
    overrides = {"dashboards.host": host, f"{chosen}.port": port, f"{chosen}.update_interval": update_interval}
    settings = settings_of(context, overrides, config_file=config_file)

    import os

    from main.monitoring.dashboards.v2.service_commands import dashboard_command, service_environment

    command = dashboard_command(settings, dashboard.value)
    os.execve(command.argv[0], list(command.argv), dict(service_environment(settings)))  # noqa: S606  # it is us


def start(context: typer.Context, config_file: ConfigFile = None) -> None:
    """Start trading dashboard, system dashboard and worker in the background, and print their addresses."""
    settings = settings_of(context, config_file=config_file)

    from main.cli.monitoring import launch_and_wait, summary
    from main.monitoring.dashboards.v2.running_manager import find_manager
    from main.monitoring.dashboards.v2.service_commands import DASHBOARDS

    running = find_manager(settings)
    if running is not None:
        typer.echo(f"The dashboards run already (manager pid {running.state.pid}).")
        told = running.document()
    else:
        told = launch_and_wait(settings, DASHBOARDS)
    for line in summary(settings, DASHBOARDS, told):
        typer.echo(line)
    if any(row["state"] == "failed" for row in told["services"]):
        raise typer.Exit(1)


def status(context: typer.Context, json: Json = False, config_file: ConfigFile = None) -> None:
    """Tell how every process is; exit code 1 when one failed, is being restarted, or when none runs."""
    settings = settings_of(context, config_file=config_file)
    running = _running(settings)
    told = running.document() if running is not None else _absent(settings)
    if json:
        import orjson

        typer.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
    elif running is None:
        typer.echo("The dashboards do not run; start them with `dashboards start`.")
    else:
        _print(told)
    if running is None or any(row["state"] in _UNHEALTHY for row in told["services"]):
        raise typer.Exit(1)


def restart(
    context: typer.Context,
    service: Annotated[str, typer.Argument(metavar="[trading|system|worker]")] = "",
    config_file: ConfigFile = None,
) -> None:
    """Replace one service, or all of them; the bot is not touched."""
    _required(context, config_file).restart(service)
    typer.echo(f"Restarting {service or 'all services'}.")


def stop(context: typer.Context, config_file: ConfigFile = None) -> None:
    """End dashboards and worker in order; a bot that runs goes on."""
    running = _running(settings_of(context, config_file=config_file))
    if running is None:
        typer.echo("The dashboards do not run.")
        return
    running.stop()
    typer.echo("The dashboards have ended.")


def _running(settings: "Settings") -> "RunningManager | None":
    from main.monitoring.dashboards.v2.running_manager import find_manager

    return find_manager(settings)


def _absent(settings: "Settings") -> dict[str, Any]:
    from main.monitoring.dashboards.v2.manager_status import manager_document

    return dict(manager_document(settings, started_at=None, rows=(), database=None, loop_lag_seconds=None))


def _required(context: typer.Context, config_file: ConfigFile) -> "RunningManager":
    from main.monitoring.dashboards.v2.running_manager import ManagerFailed

    running = _running(settings_of(context, config_file=config_file))
    if running is None:
        raise ManagerFailed("the dashboards do not run; start them with `ai_trader.py dashboards start`")
    return running


def _print(told: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    from main.text import bytes_

    table = Table(box=None, padding=(0, 1), header_style="bold")
    table.add_column("Service", no_wrap=True)
    table.add_column("State", no_wrap=True)
    for name in ("Pid", "Port", "Restarts", "CPU", "Memory"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in told["services"]:
        cpu = row["cpu_percent"]
        table.add_row(
            row["service"],
            row["state"],
            str(row["pid"] or "—"),
            str(row["port"] or "—"),
            str(row["restarts"]),
            "—" if cpu is None else f"{cpu:.1f} %",
            bytes_(row["rss_bytes"]),
        )
    console = Console()
    console.print(table)
    for row in told["services"]:
        for words in filter(None, (_numbers(row), row["degraded_reason"], row["restart_reason"])):
            console.print(f"{row['service']}: {words}", markup=False, highlight=False, soft_wrap=True)
        if row["state"] in _UNHEALTHY and row["last_stderr"] and row["last_stderr"] != row["restart_reason"]:
            console.print(row["last_stderr"], markup=False, highlight=False, soft_wrap=True)


def _numbers(row: dict[str, Any]) -> str:
    """What the table has no room for in 80 columns."""
    words = [f"{count} {reason}" for reason, count in row["restarts_by_reason"].items()]
    if row["viewers"]:
        words.append(f"{row['viewers']} viewers")
    if row["push_p95_seconds"] is not None:
        words.append(f"push p95 {row['push_p95_seconds'] * 1000:.0f} ms")
    return ", ".join(words)
