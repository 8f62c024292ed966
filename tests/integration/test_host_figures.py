"""Every figure that is collected of a machine has one unit and one meaning, in the code as in the database."""

import pytest

from main.database.pool import Database
from main.monitoring.host_figures import PARTS, PROCESSES, CollectedFigure, meaning

KEYS = {"host", "at", "recorded_at", "width"}


@pytest.mark.parametrize(("table", "figures"), [("host_parts", PARTS), ("process_metrics", PROCESSES)])
async def test_what_a_figure_means_is_what_its_column_says(
    database: Database, table: str, figures: dict[str, CollectedFigure]
) -> None:
    async with database.scoped() as connection:
        said = await connection.fetch(
            "SELECT attname, col_description(attrelid, attnum) FROM pg_attribute "
            "WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped",
            table,
        )
    columns = {name: comment for name, comment in said if name not in KEYS}
    assert {name: figure.description for name, figure in figures.items()} == columns
    assert all(figure.unit for figure in figures.values())


def test_a_meaning_is_told_in_a_line() -> None:
    assert meaning("swap_used_bytes") == "Moved out to disk. In bytes."
