"""How long does a search through 1 GB of logs take, how far does one question get, and what memory does it need?"""

import statistics
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

from main.telemetry.log_question import LogQuestion
from main.telemetry.log_search import LogFolder, LogPage
from tests.bench.row import Aim, Row, median_row

NAME = "log_search"
TITLE = "Log tail and search"
ORDER = 75
METHOD = """
One file of 1 GB of ordinary JSON lines beside five of 10 MB, read from the end as the System dashboard asks it: at most
120 ms and 256 MB a question, then it says how far it got and offers to go on. "A word that is nowhere" is followed from
page to page to the beginning. Memory is the peak of Python's own allocations over one question.
"""
REPETITIONS = 15
QUESTION_AIM = Aim(200)
MEMORY_AIM = Aim(16)
LINE = (
    '{"event": "cycle finished", "level": "info", "at": "2026-11-21T%02d:%02d:%02d.%06dZ", "service": "bot", '
    '"cycle": %d, "symbols": 12, "took_seconds": 0.0123}\n'
)


def measure(folder: Path) -> Iterator[Row]:
    logs = folder / "dashboards"
    logs.mkdir()
    _write(logs / "bot.log", 1_000_000_000)
    for number in range(5):
        _write(logs / f"service-{number}.log", 10_000_000)
    search = LogFolder(logs)
    for title, asked in (
        ("The last 200 lines of all", LogQuestion()),
        ("The last 500 lines of level error or graver (there is none)", LogQuestion(level="error", limit=500)),
        ("A word that is in every line", LogQuestion(text="CYCLE")),
        ("A word that is nowhere", LogQuestion(text="liquidation", service="bot")),
        ("Without a letter of ASCII, nowhere", LogQuestion(text="größe→", service="bot")),
    ):
        times, pages = [], []
        for _ in range(REPETITIONS):
            began = time.perf_counter()
            pages.append(search.search(asked))
            times.append((time.perf_counter() - began) * 1000)
        yield median_row(title, times, "ms", QUESTION_AIM)
        yield Row(f"{title}: searched", statistics.median(page.searched_bytes for page in pages) / 1e6, "MB")
    yield from _to_the_beginning(search)
    yield Row("Peak memory of one question", _peak(search) / 1e6, "MB", MEMORY_AIM)


def _to_the_beginning(search: LogFolder) -> Iterator[Row]:
    began, longest, pages, page = time.perf_counter(), 0.0, 0, LogPage((), "", 0, complete=False)
    while page.older is not None:
        asked = time.perf_counter()
        page = search.search(LogQuestion(text="liquidation", service="bot", before=page.older))
        longest, pages = max(longest, time.perf_counter() - asked), pages + 1
    yield Row("A word that is nowhere, all of 1 GB", time.perf_counter() - began, "s", spread=f"{pages} pages")
    yield Row("The longest of these pages", longest * 1000, "ms", QUESTION_AIM)


def _peak(search: LogFolder) -> float:
    tracemalloc.start()
    try:
        search.search(LogQuestion(text="liquidation", limit=500))
        search.search(LogQuestion(text="cycle", limit=500))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _write(path: Path, size: int) -> None:
    """Write whole chunks of lines, a second apart, until the size is reached."""
    with path.open("wb") as file:
        for hour in range(10_000):
            chunk = "".join(LINE % (hour // 60 % 24, hour % 60, n // 120, n, n) for n in range(7_200)).encode()
            file.write(chunk)
            if file.tell() >= size:
                return
