"""What does a database configuration given as JSON, or as a mapping in code, say about the database?"""

import json
from collections.abc import Mapping

from main.errors import ConfigurationError, Problem, did_you_mean

# "database" is what libpq, asyncpg and the prescribed `--config` call it; the other names are those of the settings.
_KEYS = {"host": "host", "port": "port", "database": "name", "name": "name", "user": "user", "password": "password"}
_EXPECTED = '{"host": …, "port": …, "database": …, "user": …}'


def database_overrides(argument: str | Mapping[str, object], place: str = "--config") -> dict[str, object]:
    """Return overrides for `load_settings` from JSON text or a mapping.

    The keys are host, port, database, user and password. `place` is what messages call the argument.
    Values are checked by `load_settings`.
    Raises ConfigurationError for what is no JSON object, and for every unknown key; values are never shown.
    """
    stated = _object(argument, place) if isinstance(argument, str) else argument
    unknown = tuple(str(key) for key in stated if key not in _KEYS)
    if unknown:
        known = ", ".join(_KEYS)
        raise ConfigurationError(
            [Problem("an unknown key", f"one of {known}", key, place, hint=did_you_mean(key, _KEYS)) for key in unknown]
        )
    return {f"database.{_KEYS[key]}": value for key, value in stated.items()}


def _object(text: str, place: str) -> Mapping[str, object]:
    try:
        parsed: object = json.loads(text)
    except json.JSONDecodeError as error:
        got = f"no JSON ({error.msg} at character {error.pos + 1})"
        raise ConfigurationError(Problem(got, _EXPECTED, file=place)) from None
    except RecursionError:
        raise ConfigurationError(Problem("JSON nested too deep", _EXPECTED, file=place)) from None
    if not isinstance(parsed, dict):
        raise ConfigurationError(Problem("JSON that is no object", _EXPECTED, file=place))
    return parsed
