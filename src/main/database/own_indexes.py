"""Which indexes does the schema of this code define, so that a missing one can be told?"""

import re
from dataclasses import dataclass
from functools import cache

from main.database.migrate import migrations

_MADE = re.compile(r"^CREATE (?:UNIQUE )?INDEX (?P<index>\w+) ON (?P<table>\w+)[^;]*", re.MULTILINE)
_DROPPED = re.compile(r"^DROP INDEX (?:IF EXISTS )?(?P<indexes>[\w, ]+)", re.MULTILINE)
_COMMENT = re.compile(r"--[^\n]*")


@dataclass(frozen=True, slots=True)
class OwnIndex:
    """One index of our own schema and the statement of the migration that makes it."""

    index: str
    table: str
    statement: str

    def remake(self, *, partitioned: bool) -> str:
        """Return the statement that makes it while others write; where the table is partitioned it holds them up."""
        how = "INDEX" if partitioned else "INDEX CONCURRENTLY"
        return f"{self.statement.replace('INDEX', how, 1)};"


@cache
def own_indexes() -> tuple[OwnIndex, ...]:
    """Return every index that the migrations define and keep, by name; without those that constraints bring."""
    found: dict[str, OwnIndex] = {}
    for migration in migrations():
        for match in sorted((*_MADE.finditer(migration.sql), *_DROPPED.finditer(migration.sql)), key=re.Match.start):
            if match.re is _MADE:
                statement = " ".join(_COMMENT.sub("", match.group()).split())
                found[match["index"]] = OwnIndex(match["index"], match["table"], statement)
            else:
                for name in match["indexes"].split(","):
                    found.pop(name.strip(), None)
    return tuple(found[name] for name in sorted(found))
