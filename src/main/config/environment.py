"""What do the environment and `.env` say: which variable sets which setting?"""

import difflib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dotenv.parser import parse_stream

from main.config import database_url
from main.config.provenance import Key, Layer, Origin, flat, nested
from main.errors import Problem, did_you_mean

ENVIRONMENT = "environment"
DATABASE_URL = "DATABASE_URL"
PREFIX = "AI_TRADER_"  # ours alone: an unknown variable that begins so is a mistake

VARIABLES: Mapping[str, tuple[Key, ...]] = {
    "DB_HOST": (("database", "host"),),
    "DB_PORT": (("database", "port"),),
    "DB_NAME": (("database", "name"),),
    "DB_USER": (("database", "user"),),
    "DB_PASSWORD": (("database", "password"),),
    "DATABASE_DIRECT_URL": (("database", "direct_url"),),
    "DASHBOARD_HOST": (("dashboards", "host"),),
    "TRADING_DASHBOARD_PORT": (("dashboards", "trading", "port"),),
    "SYSTEM_DASHBOARD_PORT": (("dashboards", "system", "port"),),
    "MONITORING_DASHBOARD_PORT": (("dashboards", "monitoring", "port"),),
    "DASHBOARD_UPDATE_INTERVAL": (
        ("dashboards", "trading", "update_interval"),
        ("dashboards", "system", "update_interval"),
    ),
    "MANAGER_PORT": (("manager", "port"),),
    "WORKER_PORT": (("worker", "port"),),
    "BOT_HEALTH_PORT": (("trade", "health_port"),),
    "ALPACA_KEY_ID": (("alpaca", "key_id"),),
    "ALPACA_SECRET_KEY": (("alpaca", "secret_key"),),
    "ALPACA_URL": (("alpaca", "url"),),
    "CCXT_URL": (("ccxt", "url"),),
    "AI_TRADER_DATA_DIR": (("data_dir",),),
    "AI_TRADER_LOG_DIR": (("log_dir",),),
    "FLASK_SECRET_KEY": (("secret_key",),),
    "SECRET_KEY": (("secret_key",),),  # after its alias, which it replaces
    "REDIS_URL": (("redis_url",),),
}
HANDOVER = "AI_TRADER_SETTINGS"  # by which a process hands its settings to its children; not for users
INTERNAL = frozenset({"AI_TRADER_SUPERVISOR"})  # between the suite's own processes (telemetry.orphans), no setting
KNOWN = frozenset({*VARIABLES, DATABASE_URL})


def environment_layer(env: Mapping[str, str]) -> Layer:
    """Read the variables of the environment; an empty one counts as not set, as compose files leave them."""
    return _layer({name: (value, Origin(ENVIRONMENT, name=name)) for name, value in env.items()})


def dotenv_layer(path: Path, name: str) -> Layer:
    """Read a `.env` file; values are taken literally, `$` is not expanded. No file is an empty layer."""
    variables: dict[str, tuple[str, Origin]] = {}
    problems: list[Problem] = []
    try:
        with path.open(encoding="utf-8") as stream:
            for binding in parse_stream(stream):
                # A binding begins with the blank lines and comments above it.
                above = binding.original.string
                line = binding.original.line + above[: len(above) - len(above.lstrip())].count("\n")
                if binding.error:
                    problems.append(Origin(name, line).problem("no assignment", "NAME=value"))
                elif binding.key:
                    variables[binding.key] = (binding.value or "", Origin(name, line, binding.key))
    except FileNotFoundError:
        return Layer()
    except (OSError, UnicodeDecodeError) as error:
        got = (error.strerror or str(error)) if isinstance(error, OSError) else "bytes that are not UTF-8"
        return Layer(problems=(Origin(name).problem(got, "a readable file of NAME=value lines"),))
    problems.extend(_misspelt(variables))
    layer = _layer(variables)
    return Layer(layer.values, layer.origins, (*problems, *layer.problems))


def handover_layer(text: str) -> Layer:
    """Read the settings that a parent process handed over."""
    origin = Origin("parent process", name=HANDOVER)
    try:
        values: Any = json.loads(text)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        problem = origin.problem("no settings", "what a parent process writes", hint="unset it")
        return Layer(problems=(problem,))
    return Layer(values, dict.fromkeys((key for key, _ in flat(values)), Origin("parent process")))


def _layer(variables: Mapping[str, tuple[str, Origin]]) -> Layer:
    entries: list[tuple[Key, Any]] = []
    origins: dict[Key, Origin] = {}
    problems = list(_unknown(variables))
    for name, keys in VARIABLES.items():
        value, origin = variables.get(name, ("", Origin("")))
        if value:
            entries.extend((key, value) for key in keys)
            origins.update(dict.fromkeys(keys, origin))
    url, origin = variables.get(DATABASE_URL, ("", Origin("")))
    if url:
        for key, value in _url_entries(url, origin, problems):
            stated = origins.setdefault(key, origin)
            if stated is origin:
                entries.append((key, value))
            elif str(dict(entries)[key]) != str(value):
                hint = f"keep {DATABASE_URL} or the DB_ variables"
                problems.append(stated.problem("another value than in DATABASE_URL", "one of the two", hint=hint))
    return Layer(nested(entries), origins, tuple(problems))


def _url_entries(url: str, origin: Origin, problems: list[Problem]) -> Iterator[tuple[Key, Any]]:
    try:
        for name, value in database_url.parts(url).items():
            yield ("database", name), value
    except ValueError:
        problems.append(origin.problem("something else", database_url.EXPECTED))


def _unknown(variables: Mapping[str, tuple[str, Origin]]) -> Iterator[Problem]:
    ours = sorted(name for name in KNOWN if name.startswith(PREFIX))
    for name, (_, origin) in variables.items():
        if name.startswith(PREFIX) and name not in KNOWN | INTERNAL:
            yield origin.problem("an unknown variable", f"one of {', '.join(ours)}", hint=did_you_mean(name, ours))


def _misspelt(variables: Mapping[str, tuple[str, Origin]]) -> Iterator[Problem]:
    # `.env` may serve other programs too, so only what is one slip away from a name of ours is a mistake.
    for name, (_, origin) in variables.items():
        near = difflib.get_close_matches(name, KNOWN, n=1, cutoff=0.85)
        if not near or name in KNOWN or name.startswith(PREFIX) or abs(len(near[0]) - len(name)) > 1:
            continue
        if near[0] not in variables:
            yield origin.problem("an unknown variable", "a known one", hint=f'did you mean "{near[0]}"?')
