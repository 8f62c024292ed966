"""The logs of all services, searched from the end: merged, bounded, paged, and harmless whatever stands in them."""

import json
import os
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from main.telemetry import log_blocks, log_files
from main.telemetry.log_blocks import block_before, lines_of
from main.telemetry.log_lines import LONGEST_TEXT, parse
from main.telemetry.log_question import LogQuestion
from main.telemetry.log_search import LogFolder, LogPage

BEGAN = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def line(number: float, event: str = "", **more: Any) -> str:
    at = (BEGAN + timedelta(seconds=number)).isoformat().replace("+00:00", "Z")
    return json.dumps({"event": event or f"event {number:g}", "level": "info"} | more | {"at": at}) + "\n"


def written(folder: Path, name: str, *lines: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(b"".join(each if isinstance(each, bytes) else each.encode() for each in lines))
    return path


def search(folder: Path, **asked: Any) -> LogPage:
    return LogFolder(folder, seconds=60).search(LogQuestion(**asked))


def events(page: LogPage) -> list[str]:
    return [each.event for each in page.lines]


def all_pages(folder: LogFolder, **asked: Any) -> list[str]:
    found: list[str] = []
    page = folder.search(LogQuestion(**asked))
    found += events(page)
    while page.older:
        page = folder.search(LogQuestion(**asked, before=page.older))
        found += events(page)
    return found


def test_the_lines_of_all_services_and_their_rotated_files_merge_by_time(tmp_path: Path) -> None:
    written(tmp_path, "trading-dashboard.log.1", line(1), line(3))
    written(tmp_path, "trading-dashboard.log", line(5), line(8))
    written(tmp_path, "worker.log", line(2), line(4), line(6), line(7))
    page = search(tmp_path)
    assert events(page) == [f"event {number}" for number in (8, 7, 6, 5, 4, 3, 2, 1)]
    assert (page.complete, page.older, page.services) == (True, None, ("trading-dashboard", "worker"))
    assert page.searched_bytes == page.total_bytes == sum(path.stat().st_size for path in tmp_path.iterdir())
    assert (page.lines[0].service, page.lines[0].at) == ("trading-dashboard", BEGAN + timedelta(seconds=8))


def test_ten_rotated_files_are_read_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in range(1, 12):
        written(tmp_path, f"bot.log.{number}", line(100 - number))
    assert events(search(tmp_path)) == [f"event {100 - number}" for number in range(1, 12)]


def test_text_service_and_least_level_choose_lines(tmp_path: Path) -> None:
    written(tmp_path, "bot.log", line(1, "Order refused", symbol="XLK", level="warning"), line(2, "cycle"))
    written(tmp_path, "worker.log", line(3, "job failed", level="error", reason="no room"), "Traceback of a crash\n")
    assert events(search(tmp_path, text="xlk")) == ["Order refused"]
    assert events(search(tmp_path, text="symbol=XLK")) == ["Order refused"]
    assert events(search(tmp_path, text="event")) == []  # a key that is not shown
    assert events(search(tmp_path, text='reason="no room"')) == ["job failed"]
    assert events(search(tmp_path, service="bot")) == ["cycle", "Order refused"]
    assert events(search(tmp_path, service="nobody")) == []
    assert events(search(tmp_path, level="warning")) == ["Traceback of a crash", "job failed", "Order refused"]
    assert events(search(tmp_path, level="error", service="bot")) == []


def test_one_grave_or_unmarked_line_among_thousands_is_found_by_its_level(tmp_path: Path) -> None:
    many = [line(number) for number in range(3_000)]
    odd = line(5_000, "nested", level="error", inner={"level": "debug"})
    shouted = line(5_001, "shouted", level="FATAL")
    written(tmp_path, "a.log", *many, odd, shouted, *many, "a traceback\n", *many, line(9, "two", x={"level": "info"}))
    assert events(search(tmp_path, level="error")) == ["a traceback", "shouted", "nested"]
    assert search(tmp_path, level="warning", text="event").lines == ()


def test_text_is_found_whatever_its_case_and_alphabet(tmp_path: Path) -> None:
    written(tmp_path, "bot.log", line(1, "Größe ÜBERSCHRITTEN"), line(2, 'said "quoted"'), line(3, "ΔP&L"))
    assert events(search(tmp_path, text="überschritten")) == ["Größe ÜBERSCHRITTEN"]
    assert events(search(tmp_path, text='"quoted"')) == ['said "quoted"']
    assert events(search(tmp_path, text="δ")) == ["ΔP&L"]
    assert events(search(tmp_path, text="&")) == ["ΔP&L"]


@pytest.mark.parametrize("limit", [1, 2, 7, 500])
def test_pages_give_every_line_once_in_order(tmp_path: Path, limit: int) -> None:
    written(tmp_path, "a.log.1", *(line(number) for number in range(0, 40, 2)))
    written(tmp_path, "a.log", *(line(number) for number in range(40, 60, 2)))
    written(tmp_path, "b.log", *(line(number) for number in range(1, 60, 2)))
    folder = LogFolder(tmp_path, seconds=60)
    assert all_pages(folder, limit=limit) == [f"event {number}" for number in reversed(range(60))]
    even = all_pages(folder, limit=limit, text="event 4")
    assert even == [f"event {number}" for number in (*reversed(range(40, 50)), 4)]


def test_a_search_that_runs_out_of_time_says_how_far_it_got_and_goes_on_from_there(tmp_path: Path) -> None:
    written(tmp_path, "a.log", line(0, "needle"), *(line(number) for number in range(1, 5_000)))
    written(tmp_path, "b.log", line(0.5, "needle too"), *(line(number) for number in range(1, 5_000)))
    hasty = LogFolder(tmp_path, seconds=0)
    page = hasty.search(LogQuestion(text="needle"))
    assert (page.lines, page.complete) == ((), False)
    assert 0 < page.searched_bytes < page.total_bytes
    assert page.searched_to is not None
    assert page.searched_to > BEGAN
    assert all_pages(hasty, text="needle") == ["needle too", "needle"]


def test_a_search_takes_no_more_bytes_than_it_may(tmp_path: Path) -> None:
    written(tmp_path, "a.log", *(line(number) for number in range(20_000)))
    page = LogFolder(tmp_path, seconds=60, most_bytes=200_000).search(LogQuestion(text="nothing like it"))
    assert 200_000 <= page.searched_bytes <= 200_000 + log_blocks.LARGEST_BLOCK
    assert page.older is not None


def test_a_cursor_survives_rotation(tmp_path: Path) -> None:
    written(tmp_path, "a.log.1", *(line(number) for number in range(10)))
    path = written(tmp_path, "a.log", *(line(number) for number in range(10, 20)))
    page = search(tmp_path, limit=5)
    (tmp_path / "a.log.1").rename(tmp_path / "a.log.2")
    path.rename(tmp_path / "a.log.1")
    written(tmp_path, "a.log", line(30, "new"))
    written(tmp_path, "c.log", line(31, "newer service"), line(32))
    older = search(tmp_path, limit=7, before=page.older)
    assert events(older) == [f"event {number}" for number in range(14, 7, -1)]


def test_a_cursor_into_a_file_that_was_removed_or_truncated_ends_without_an_error(tmp_path: Path) -> None:
    path = written(tmp_path, "a.log", *(line(number) for number in range(20)))
    page = search(tmp_path, limit=5)
    os.truncate(path, 0)
    assert events(search(tmp_path, before=page.older)) == []
    path.unlink()
    assert search(tmp_path, before=page.older).complete


def test_a_file_truncated_while_it_is_read_ends_there(tmp_path: Path) -> None:
    path = written(tmp_path, "a.log", *(line(number) for number in range(100)))
    with log_files.opened(tmp_path) as files:
        (file,) = files.by_service["a"]
        os.truncate(path, 10)
        assert block_before(file.descriptor, file.size, 1024, lambda: True) is None


def test_a_file_rotated_between_being_listed_and_opened_is_read_once(tmp_path: Path) -> None:
    path = written(tmp_path, "a.log", line(1))
    os.link(path, tmp_path / "a.log.1")  # one file under both its names
    assert events(search(tmp_path)) == ["event 1"]


@pytest.mark.parametrize("bad", ["!", "e30", "WzEsMl0", "x" * 5000, "é"])
def test_a_cursor_that_is_none_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match='expected the "older" of an earlier page'):
        LogQuestion(before=bad)


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": 501}, {"level": "loud"}, {"text": "x" * 201}])
def test_a_question_outside_its_limits_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        LogQuestion(**wrong)


def test_no_folder_and_an_empty_folder_have_no_lines(tmp_path: Path) -> None:
    assert search(tmp_path / "nothing") == search(tmp_path)
    assert search(tmp_path).complete


def test_a_symbolic_link_is_named_and_not_followed(tmp_path: Path) -> None:
    secret = written(tmp_path, "secret.txt", "the secret\n")
    folder = tmp_path / "dashboards"
    folder.mkdir()
    (folder / "evil.log").symlink_to(secret)
    (folder / "folder.log").mkdir()
    os.mkfifo(folder / "pipe.log")
    written(folder, "good.log", line(1))
    page = search(folder)
    assert events(page) == ["event 1"]
    assert sorted(page.unreadable) == [
        "evil.log: a symbolic link, not followed",
        "folder.log: not a file",
        "pipe.log: not a file",
    ]


def test_an_unreadable_file_is_named_and_the_others_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, "good.log", line(1))
    written(tmp_path, "locked.log", line(2))
    really = os.open

    def refusing(path: Path, flags: int) -> int:
        if path.name == "locked.log":
            raise PermissionError(13, "Permission denied")
        return really(path, flags)

    monkeypatch.setattr(log_files.os, "open", refusing)
    page = search(tmp_path)
    assert (events(page), page.unreadable) == (["event 1"], ("locked.log: Permission denied",))


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    for number in range(20):
        written(tmp_path, f"s{number}.log", line(number))
    (tmp_path / "evil.log").symlink_to("/etc/passwd")
    search(tmp_path)
    before = len(list(Path("/proc/self/fd").iterdir()))
    search(tmp_path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_half_written_last_line_is_shown_as_it_is(tmp_path: Path) -> None:
    written(tmp_path, "a.log", line(1), line(2)[:30])
    first, second = search(tmp_path).lines
    assert (first.event, second.event) == (line(2)[:30], "event 1")


def test_an_enormous_line_is_cut_and_said_so(tmp_path: Path) -> None:
    huge = json.dumps({"event": "dump", "level": "error", "at": "2026-11-21T09:00:01Z", "book": "x" * 3_000_000}) + "\n"
    written(tmp_path, "a.log", line(0), huge, line(2))
    page = search(tmp_path)
    assert [events(page)[0], events(page)[2]] == ["event 2", "event 0"]
    cut = page.lines[1]
    assert len(cut.event) + len(cut.text) == LONGEST_TEXT
    assert cut.cut > 2_900_000
    assert (cut.level, cut.at) == ("error", BEGAN + timedelta(seconds=1))


def test_a_long_line_that_fits_into_memory_is_still_read_as_a_record(tmp_path: Path) -> None:
    written(tmp_path, "a.log", line(0), line(1, "long", book="x" * 50_000), line(2))
    found = search(tmp_path).lines[1]
    assert (found.event, found.level, found.cut) == ("long", "info", 5 + 50_000 + 4 - LONGEST_TEXT)


HOSTILE = [
    b"\x00\x01\x02 binary \xff\xfe",
    b"\x1b[31mred\x1b[0m and \x1b]0;title\x07 more \x1b]8;;http://x\x1b\\link",
    b'{"event": "lone \\ud800 surrogate", "at": "2026-11-21T09:00:00Z"}',
    b'{"event": NaN, "level": 7, "at": []}',
    b'{"event": {"nested": [1, null]}, "service": {"a": 1}, "at": "9999-12-31T23:59:59-14:00"}',
    b"[" * 5_000,
    b'{"a":' * 5_000,
    b'{"event": "right to left \\u202e gpj.exe", "level": "info\\u0000"}',
    b"{}",
    b"{",
    b'"just a string"',
    b'{"event": 1e400, "n": ' + b"9" * 5_000 + b"}",
    "C1 \x9b31m and \x85 next".encode(),
]


@pytest.mark.parametrize("raw", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_bytes_become_plain_text(tmp_path: Path, raw: bytes) -> None:
    written(tmp_path, "a.log", line(-5), raw + b"\n")
    page = search(tmp_path)
    shown = next(each for each in page.lines if each.event != "event -5")
    text = f"{shown.event}{shown.text}"
    assert orjson.dumps(page)  # no lone surrogate
    assert all(character in "\n\t" or character.isprintable() or character == "\ufffd" for character in text), text
    assert "\x1b" not in text
    assert len(page.lines) == 2


def test_colours_of_a_terminal_are_left_out_and_tracebacks_keep_their_lines() -> None:
    assert parse(b"\x1b[31mred\x1b[0m", "a", "a.log").event == "red"
    found = parse(b'{"event": "failed", "exception": "Traceback:\\n  x = 1", "n": 2}', "a", "a.log")
    assert found.text == "n=2\nexception:\nTraceback:\n  x = 1"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=40), st.integers(min_value=2, max_value=64))
def test_any_bytes_come_back_line_by_line_whatever_the_block(
    tmp_path_factory: Any, parts: list[bytes], size: int
) -> None:
    path = tmp_path_factory.mktemp("bytes") / "a.log"
    data = b"\n".join(parts)
    path.write_bytes(data)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        found, end = [], len(data)
        while end > 0:
            block = block_before(descriptor, end, size, lambda: True)
            assert block is not None
            assert block.start < end
            for start, stop, raw in lines_of(block):
                assert data[start:stop].rstrip(b"\n") == raw
                found.append(raw)
            end = block.start
    finally:
        os.close(descriptor)
    assert found == [each for each in reversed(data.split(b"\n")) if each]


def test_memory_stays_small_however_large_the_files_are(tmp_path: Path) -> None:
    chunk = "".join(line(number, "an ordinary line", cycle=number) for number in range(5_000)).encode()
    for name in ("a.log", "b.log"):
        with (tmp_path / name).open("wb") as file:
            for _ in range(60):
                file.write(chunk)
    folder = LogFolder(tmp_path, seconds=60)
    tracemalloc.start()
    try:
        page = folder.search(LogQuestion(text="there is no such line", limit=500))
        quiet = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        full = folder.search(LogQuestion(text="ordinary", limit=500))
        dense = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert page.searched_bytes == page.total_bytes > 40_000_000
    assert len(full.lines) == 500
    assert quiet < 8_000_000
    assert dense < 8_000_000
