"""Which version of the suite is this, and which schema does it need?"""

import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path

from main.database.migrate import SQL

_DISTRIBUTION = "ai-trader-monitoring"


@cache
def version() -> str:
    """Return the version installed, or that of the source tree this runs from; "unknown" where neither tells."""
    try:
        return metadata.version(_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        pass
    try:
        project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))
        return str(project["project"]["version"])
    except (OSError, tomllib.TOMLDecodeError, KeyError):
        return "unknown"


@cache
def schema_version() -> str:
    """Return the name of the newest migration of this code, such as ``0016_services``; "unknown" without any."""
    names = [path.stem for path in (SQL / "schema").glob("*.sql")]
    return max(names, default="unknown")
