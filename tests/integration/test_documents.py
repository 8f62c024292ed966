"""The examples of docs/recording.md record what they say."""

import asyncio
import re
from pathlib import Path

from main.database.address import Address
from main.database.pool import Database
from main.recording import close_database

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "recording.md"


async def test_the_examples_for_bots_in_python_record_what_they_say(address: Address, service: Database) -> None:
    recorder_example, functions_example = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    place = re.compile(r"Address\(\"localhost\".*?\)|\{\"host\".*?\}")
    for example in (recorder_example, functions_example):
        code, replaced = place.subn("address", example)
        assert replaced == 1
        await asyncio.to_thread(exec, code, {"address": address})
    assert await asyncio.to_thread(close_database) == 0
    async with service.scoped() as connection:
        for table in ("accounts", "fills", "order_events", "market_snapshots", "system_events"):
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 1, table
