"""How does a script start one dashboard: its options, its log, and one clear line when it cannot?"""

import argparse
import sys
from collections.abc import Sequence

import structlog

from main.config import Settings, database_overrides, load_settings
from main.errors import AITraderError
from main.monitoring.dashboards.v2.dashboard import Dashboard
from main.telemetry.logging import configure
from main.telemetry.orphans import die_with_parent
from main.telemetry.redaction import secrets_of

_log = structlog.get_logger(__name__)


def launch(dashboard: type[Dashboard], arguments: Sequence[str] | None = None) -> int:
    """Run a dashboard until SIGINT or SIGTERM and return the exit code; a known error is one line on standard error."""
    supervised = die_with_parent()
    options = _parser(dashboard.name).parse_args(arguments)
    try:
        settings = _settings(dashboard.name, options)
        log_dir = None if supervised else settings.log_dir
        configure(f"{dashboard.name}-dashboard", log_dir, secrets=secrets_of(settings))
        if options.config and "password" in database_overrides(options.config):
            _log.warning(
                "the password in --config is visible in the process list",
                instead="DB_PASSWORD, DATABASE_URL, .env or config/dashboards.yaml",
            )
        dashboard(settings=settings).run(debug=options.debug)
    except AITraderError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _parser(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=f"Serve the {name} dashboard.")
    parser.add_argument("--config", metavar="JSON", help="the database: host, port, database, user")
    parser.add_argument("--port", type=int, help="the port to listen on")
    parser.add_argument("--host", help="the address to listen on")
    parser.add_argument("--update-interval", type=float, metavar="S", help="seconds between two intervals")
    parser.add_argument("--debug", action="store_true", help="show Dash's developer tools in the page")
    return parser


def _settings(name: str, options: argparse.Namespace) -> Settings:
    overrides: dict[str, object] = dict(database_overrides(options.config)) if options.config else {}
    stated = {
        "dashboards.host": options.host,
        f"dashboards.{name}.port": options.port,
        f"dashboards.{name}.update_interval": options.update_interval,
    }
    return load_settings(overrides | {key: value for key, value in stated.items() if value is not None})
