"""More than a screen holds: 50 accounts in three currencies, 10,000 symbols, 500 open positions; made by SQL."""

from datetime import UTC, datetime
from pathlib import Path

from main.database.address import Address
from main.database.kept_days import roll_fill_days, roll_trade_days
from main.database.pool import Database
from tests.conftest import administrator

_STATEMENTS = Path(__file__).with_name("sql") / "wide.sql"


async def given_wide(address: Address, now: datetime | None = None) -> datetime:
    """Write it, catch up what the worker and autovacuum have done in time, and return its present."""
    now = now or datetime.now(UTC).replace(microsecond=0)
    service = Database(address, role="service", max_size=2, command_timeout=120)
    await service.open()
    async with service.scoped() as connection:
        for statement in _STATEMENTS.read_text().split(";\n"):
            if statement.strip():
                await connection.execute(statement, *([now] if "$1" in statement else []))
    await roll_trade_days(service)
    await roll_fill_days(service)
    await service.close()
    connection = await administrator(address)
    await connection.execute("ANALYZE", timeout=120)
    await connection.close()
    return now
