"""Which formats are there to export to?"""

from collections.abc import Mapping

from main.exporters import csv, json_array, ndjson, parquet
from main.exporters.format import Format

FORMATS: Mapping[str, Format] = {
    each.name: each for each in (csv.FORMAT, parquet.FORMAT, ndjson.FORMAT, json_array.FORMAT)
}
"""By name; the first is the usual one."""
