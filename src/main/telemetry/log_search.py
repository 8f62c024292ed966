"""What did the services write last, and where in all their logs does something stand?

Every service's files are read from the newest one's end, a block at a time, and always those next whose reading has
come the least far back: so the lines of all services merge by time, and a page is whole up to where the search got.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from main.clock import monotonic
from main.telemetry.log_blocks import LARGEST_BLOCK, SMALLEST_BLOCK, Block, block_before, lines_of
from main.telemetry.log_files import LogFile, LogFiles, opened
from main.telemetry.log_lines import LogLine, parse, time_of
from main.telemetry.log_question import Cursor, LogQuestion

SEARCH_SECONDS = 0.12
SEARCH_BYTES = 256 * 1024 * 1024

_FUTURE = float("inf")
_LOOK_AT_CLOCK_EVERY = 32  # lines; parsing so many takes well under a millisecond


@dataclass(frozen=True, slots=True)
class LogPage:
    """Lines newest first, and how far the search got.

    ``older`` is the cursor from which it goes on; ``None`` when nothing older is left, and then it is ``complete``.
    ``searched_bytes`` of ``total_bytes`` were looked at for this page, back to the time ``searched_to``. ``services``
    are those that have a log, ``unreadable`` the files that could not be looked at, each with the reason.
    """

    lines: tuple[LogLine, ...]
    older: str | None
    searched_bytes: int
    complete: bool
    searched_to: datetime | None = None
    total_bytes: int = 0
    services: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()


class LogFolder:
    """The folder into which all services log; asked, it opens the files, answers and lets go of them."""

    def __init__(self, path: Path, *, seconds: float = SEARCH_SECONDS, most_bytes: int = SEARCH_BYTES) -> None:
        """Name the folder, which need not be there yet, and what one question may take."""
        self.path = path
        self._seconds = seconds
        self._most_bytes = most_bytes

    def search(self, question: LogQuestion, until: datetime | None = None) -> LogPage:
        """Return the newest lines that are asked for, none newer than `until`; blocks, for at most the time allowed."""
        cursor = Cursor.read(question.before) if question.before else Cursor(_FUTURE, {})
        newest = min(cursor.until, until.timestamp() if until is not None else _FUTURE)
        with opened(self.path) as files:
            search = _Search(question, newest, monotonic() + self._seconds, self._most_bytes)
            for service, own in files.by_service.items():
                if not question.service or service == question.service:
                    search.streams.append(_Stream(service, own, *_place(own, cursor.places.get(service))))
            search.run()
            return _page(search, files)


@dataclass(frozen=True, slots=True)
class _Match:
    moment: float
    file: LogFile
    start: int
    end: int
    raw: bytes
    cut: int


@dataclass(slots=True)
class _Stream:
    """One service's lines, from the newest to the oldest."""

    service: str
    files: list[LogFile]
    index: int  # of the file being read; beyond the last: all is read
    offset: int  # where in it the part begins that was read
    moment: float | None = None  # of the oldest line read that has a time
    begun: bool = False
    block: int = SMALLEST_BLOCK
    matches: list[_Match] = field(default_factory=list)

    @property
    def done(self) -> bool:
        return self.index >= len(self.files)

    @property
    def frontier(self) -> float:
        """No line that is still to be read is newer than this."""
        if not self.begun:
            return _FUTURE
        return self.moment if self.moment is not None else self.files[self.index].modified

    @property
    def place(self) -> tuple[int, int]:
        return (0, 0) if self.done else (self.files[self.index].inode, self.offset)

    def saw(self, at: datetime | None) -> None:
        """Take note of a line's time; a clock that was set back must not change the order of a file."""
        if at is not None:
            self.moment = at.timestamp() if self.moment is None else min(at.timestamp(), self.moment)

    def next_file(self) -> None:
        self.index += 1
        self.offset = 0 if self.done else self.files[self.index].size

    def place_after(self, shown: int) -> tuple[int, int]:
        """Return where the next page goes on when the first `shown` matches are on this one."""
        if shown == len(self.matches):
            return self.place
        left = self.matches[shown]
        return left.file.inode, left.end


@dataclass(slots=True)
class _Search:
    question: LogQuestion
    newest: float
    deadline: float
    bytes_left: int
    streams: list[_Stream] = field(default_factory=list)
    searched: int = 0

    def in_time(self) -> bool:
        return monotonic() < self.deadline

    @property
    def frontier(self) -> float:
        """Everything newer than this was read."""
        return max((stream.frontier for stream in self.streams if not stream.done), default=-_FUTURE)

    def run(self) -> None:
        while unread := [stream for stream in self.streams if not stream.done]:
            leader = max(unread, key=lambda stream: stream.frontier)
            certain = sum(match.moment >= leader.frontier for stream in self.streams for match in stream.matches)
            spent = self.searched >= self.bytes_left or not self.in_time()
            if certain >= self.question.limit or (spent and leader.begun):
                return
            self._read(leader)

    def _read(self, stream: _Stream) -> None:
        """Read one block, or go on to the next file."""
        stream.begun = True
        file = stream.files[stream.index]
        if stream.offset <= 0:
            stream.next_file()
            return
        block = block_before(file.descriptor, stream.offset, stream.block, self.in_time)
        if block is None:  # truncated while it was read: what was there is gone
            stream.next_file()
            return
        before, found = stream.offset, len(stream.matches)
        self._look_through(stream, file, block)
        self.searched += before - stream.offset
        hit = len(stream.matches) > found
        stream.block = SMALLEST_BLOCK if hit else min(stream.block * 2, LARGEST_BLOCK)

    def _look_through(self, stream: _Stream, file: LogFile, block: Block) -> None:
        skipped = self.question.accepts_none_of(block.lines)
        lines = () if skipped else lines_of(block, self.question.needle)
        for number, (start, end, raw) in enumerate(lines, start=1):
            stream.saw(time_of(raw))
            moment = stream.moment if stream.moment is not None else file.modified
            if moment <= self.newest and self.question.accepts(raw, stream.service):
                stream.matches.append(_Match(moment, file, start, end, raw, block.cut))
            if number % _LOOK_AT_CLOCK_EVERY == 0 and not self.in_time():
                stream.offset = start
                return
        stream.offset = block.start
        stream.saw(time_of(block.lines))


def _place(files: list[LogFile], place: tuple[int, int] | None) -> tuple[int, int]:
    """Return the index of the file and the offset in it from which a stream goes on."""
    if place is None:
        return 0, files[0].size
    for index, file in enumerate(files):
        if file.inode == place[0]:
            return index, min(place[1], file.size)
    return len(files), 0  # rotated away, and with it everything older


def _page(search: _Search, files: LogFiles) -> LogPage:
    frontier = search.frontier
    certain = [
        (match.moment, stream.service, number, match)
        for stream in search.streams
        for number, match in enumerate(stream.matches)
        if match.moment >= frontier
    ]
    certain.sort(key=lambda each: (-each[0], each[1], each[2]))
    shown = certain[: search.question.limit]
    counts = {stream.service: 0 for stream in search.streams}
    for _, service, _, _ in shown:
        counts[service] += 1
    left = any(not stream.done or counts[stream.service] < len(stream.matches) for stream in search.streams)
    reached = shown[-1][0] if len(shown) == search.question.limit else frontier
    until = min(reached, search.newest)
    places = {stream.service: stream.place_after(counts[stream.service]) for stream in search.streams}
    return LogPage(
        tuple(_line(service, match) for _, service, _, match in shown),
        Cursor(until, places).write() if left else None,
        search.searched,
        not left,
        datetime.fromtimestamp(until, UTC) if left and abs(until) < _FUTURE else None,
        files.size,
        tuple(sorted(files.by_service)),
        tuple(files.unreadable),
    )


def _line(service: str, match: _Match) -> LogLine:
    key = f"{match.file.inode:x}-{match.start:x}"
    return parse(match.raw, service, match.file.name, key, match.cut)
