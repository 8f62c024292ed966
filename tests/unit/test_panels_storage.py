"""What the page Storage draws: sizes, growth, when the disk is full, what is kept, that there is no backup."""

from typing import Any

from main.monitoring.reads import host_history, storage, storage_indexes, storage_tables
from tests.drawing import NOW, drawn, filled, words

GIGA = 10**9


def sizes(**given: Any) -> storage.Storage:
    values = {
        "database_bytes": 2 * GIGA,
        "database_daily_bytes": 1e8,
        "database_share": 0.02,
        "disk_path": "/data",
        "disk_used_bytes": 50 * GIGA,
        "disk_total_bytes": 100 * GIGA,
        "disk": 0.5,
        "disk_daily_bytes": 2e9,
        "disk_limit": 0.9,
        "limit_seconds": 20 * 86_400.0,
        "full_seconds": 25 * 86_400.0,
    }
    return filled(storage.Storage, **(values | given))


def stored(**given: Any) -> storage_tables.StoredTable:
    values = {"table": "fills", "total_bytes": 12_000, "index_bytes": 2000, "partitions": 0, "share": 0.5}
    return filled(storage_tables.StoredTable, **(values | {"purges": False, "at": NOW} | given))


def test_the_disk_says_when_it_is_too_full_and_when_it_is_full() -> None:
    members = drawn("storage_cards", (storage.READ, sizes(purged_at=NOW, purged_rows=1234, next_purge_at=NOW)))
    said = words(members)
    assert "Database 2.00 GB +100 MB a day · 2.0% of the disk" in said
    assert "Disk used 50.0% 50.0 GB of 100 GB" in said
    assert "Until 90% 20 d 00 h +2.00 GB a day" in said
    assert "Until it is full 25 d 00 h" in said
    assert "1,234 rows that day" in said
    assert members["subtitle"] == "growth over 3M · disk of /data"


def test_what_does_not_grow_or_is_not_known_has_no_day() -> None:
    emptying = sizes(disk_daily_bytes=-1e6, limit_seconds=None, full_seconds=None)
    members = drawn("storage_cards", (storage.READ, emptying))
    assert "unknown: it does not grow" in str(members)
    young = sizes(disk_daily_bytes=None, limit_seconds=None, full_seconds=None)
    assert "unknown: growth is not known before half an hour" in str(drawn("storage_cards", (storage.READ, young)))
    far = sizes(full_seconds=1e12)
    assert "over 10 years" in words(drawn("storage_cards", (storage.READ, far)))


def test_nothing_sampled_is_said_as_such() -> None:
    nothing = filled(storage.Storage)
    assert "Nothing was sampled" in words(drawn("storage_cards", (storage.READ, nothing)))
    for panel in ("storage_tables", "storage_indexes"):
        assert "No sizes were sampled yet" in words(drawn(panel))
    never = host_history.HostHistory(None, (), NOW, NOW)
    assert "No samples in this range" in words(drawn("storage_disk", (host_history.READ, never)))


def test_a_table_says_how_long_it_is_kept() -> None:
    purged = stored(
        table="<b>x</b>",
        purges=True,
        kept_seconds=90 * 86_400.0,
        purged_at=NOW,
        purged_rows=7,
        partitions=3,
        row_count=9,
    )
    rows = [purged, stored(growth_daily_bytes=-500.0), stored(table="new", purges=True, row_count=None)]
    members = drawn("storage_tables", (storage_tables.READ, rows))
    said = words(members)
    assert "<b>x</b> · 3 partitions 12.0 kB 50.0% 9 2.00 kB" in said
    assert "90 d 00 h" in said
    assert "for ever" in said
    assert "−500 B" in said
    assert "unknown: the worker has not purged it yet" in str(members)
    assert "unknown: not analysed yet when it was measured" in str(members)


def test_two_hundred_tables_are_cut_to_the_biggest() -> None:
    members = drawn("storage_tables", (storage_tables.READ, [stored(table=f"t{number}") for number in range(200)]))
    assert members["subtitle"] == "the biggest 25 of 200 tables · growth over 3M · measured every 5 min"


def test_the_largest_indexes_are_listed() -> None:
    index = filled(
        storage_indexes.StoredIndex, index="fills_pkey", table="fills", index_bytes=4096, share=0.25, scans=0
    )
    assert "fills_pkey 4.10 kB 25.0% fills 0" in words(drawn("storage_indexes", (storage_indexes.READ, [index])))


def test_backups_are_not_invented() -> None:
    assert "makes no backups yet" in words(drawn("backups", (storage.READ, sizes())))
