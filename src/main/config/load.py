"""How do command line, environment, `.env`, the YAML file and the defaults become one set of settings?"""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from main.config.description import Provenance
from main.config.environment import DATABASE_URL, HANDOVER, dotenv_layer, environment_layer, handover_layer
from main.config.folders import user_data_folder
from main.config.mistakes import port_clashes, problems_of, told_twice
from main.config.provenance import Key, Layer, Origin, flat, merged, nested
from main.config.settings import Settings
from main.config.yaml_file import yaml_layer
from main.errors import ConfigurationError, Problem

CONFIG_FILE = Path("config/dashboards.yaml")  # below the working directory
DOTENV_FILE = Path(".env")
COMMAND_LINE = "command line"

_HOST: Key = ("database", "host")
_ADDRESS = tuple(("database", name) for name in ("host", "port", "name", "user", "tls"))
_DIRECT: Key = ("database", "direct_url")
_PASSWORD: Key = ("database", "password")


def load_settings(
    overrides: Mapping[str, object] | None = None,
    *,
    config_file: Path | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Settings:
    """Return the effective settings: command line over environment over `.env` over YAML over defaults.

    `overrides` is what the command line says, by dotted key (`dashboards.trading.port`); None means not said.
    `config_file` must exist; without it `config/dashboards.yaml` below `cwd` is read if it is there. A child process
    takes over what its parent's `Settings.child_environment` holds and reads neither environment nor files.
    Raises ConfigurationError with every problem of every source. Nothing is written.
    """
    variables = os.environ if env is None else env
    folder = Path.cwd() if cwd is None else cwd
    layers = _of_one_server(_layers(overrides or {}, config_file, variables, folder))
    values = _with_folders(merged(layers), variables, folder)
    problems = [problem for layer in layers for problem in layer.problems]
    problems.extend(port_clashes(values, Settings, layers))
    problems.extend(told_twice(values, layers, "accounts", "id"))
    problems.extend(told_twice(values, layers, "pages", "page"))
    try:
        settings = Settings.of(values, Provenance(layers))
    except ValidationError as error:
        raise _configuration_error([*problems, *problems_of(error, Settings, layers)]) from None
    if problems:
        raise _configuration_error(problems)
    return settings


def _layers(
    overrides: Mapping[str, object], config_file: Path | None, env: Mapping[str, str], cwd: Path
) -> tuple[Layer, ...]:
    command_line = _command_line_layer(overrides)
    if HANDOVER in env:
        return command_line, handover_layer(env[HANDOVER])
    path = cwd / (config_file or CONFIG_FILE)
    yaml_file = yaml_layer(path, str(config_file or CONFIG_FILE)) if config_file or path.exists() else Layer()
    return command_line, environment_layer(env), dotenv_layer(cwd / DOTENV_FILE, str(DOTENV_FILE)), yaml_file


def _command_line_layer(overrides: Mapping[str, object]) -> Layer:
    said = [(tuple(key.split(".")), value) for key, value in overrides.items() if value is not None]
    values = nested((key, str(value) if isinstance(value, Path) else value) for key, value in said)
    return Layer(values, dict.fromkeys((key for key, _ in flat(values)), Origin(COMMAND_LINE)))


def _of_one_server(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    # DB_HOST on the command line must not meet user and password of a DATABASE_URL in `.env`: an address is taken
    # whole, so a weaker source may only add what a stronger address leaves open.
    result: list[Layer] = []
    hidden: set[Key] = set()
    url_parts_hidden = False
    for layer in layers:
        from_url = {key for key, origin in layer.origins.items() if origin.name == DATABASE_URL}
        result.append(layer.without(hidden | (from_url if url_parts_hidden else set())))
        if from_url:
            hidden.update(_ADDRESS, {_PASSWORD} & from_url)
        if _HOST in layer.origins:
            url_parts_hidden = True
            hidden.add(_DIRECT)
    return tuple(result)


def _with_folders(values: dict[str, Any], env: Mapping[str, str], cwd: Path) -> dict[str, Any]:
    # Absolute from here on: a child may run in another working directory.
    folders = {"data_dir": user_data_folder(env), "log_dir": cwd / "logs"}
    for name, default in folders.items():
        stated = values.get(name, default)
        if isinstance(stated, str | Path) and str(stated):
            with suppress(RuntimeError):  # no such user: the "~" that stays is refused with its line
                values[name] = cwd / Path(stated).expanduser()
    return values


def _configuration_error(problems: Iterable[Problem]) -> ConfigurationError:
    # One variable may set two settings and be wrong for both.
    return ConfigurationError(tuple(dict.fromkeys(problems)))
