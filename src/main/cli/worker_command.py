"""Who collects and keeps house? `worker` runs it by hand; under the manager it runs by itself."""

import typer

from main.cli.app import ConfigFile, settings_of


def register(app: typer.Typer) -> None:
    """Add `worker`."""
    app.command("worker")(worker)


def worker(
    context: typer.Context,
    port: int | None = typer.Option(None, "--port", metavar="N", help="Port of its probes and metrics."),
    config_file: ConfigFile = None,
) -> None:
    """Collect, keep house and evaluate: what must happen once. Several may run; one of them works."""
    settings = settings_of(context, {"worker.port": port}, config_file=config_file)

    import asyncio

    from main.telemetry.logging import configure
    from main.telemetry.redaction import secrets_of
    from main.worker import run_worker

    configure("worker", settings.log_dir, style="console", secrets=secrets_of(settings))
    asyncio.run(run_worker(settings))
