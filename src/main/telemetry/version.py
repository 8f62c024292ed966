"""Which version of the suite is this, and which schema does it need?"""

import hashlib
import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path

from main.database.migrate import SQL, migrations

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


@cache
def views_digest() -> str:
    """Return what tells this code's views and functions of the database from another's: equal only where they are."""
    views = "".join(file.sha256 for file in migrations() if file.repeatable)
    return hashlib.sha256(views.encode()).hexdigest()
