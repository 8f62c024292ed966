"""Which formats are there to export to?"""

from collections.abc import Mapping

from main.errors import UnknownName
from main.exporters import csv, json_array, ndjson, parquet
from main.exporters.format import Format

FORMATS: Mapping[str, Format] = {
    each.name: each for each in (csv.FORMAT, parquet.FORMAT, ndjson.FORMAT, json_array.FORMAT)
}


def format_named(name: str) -> Format:
    """Return the format called so; raise `UnknownName` otherwise."""
    try:
        return FORMATS[name]
    except KeyError:
        raise UnknownName("format", name[:80], FORMATS) from None
