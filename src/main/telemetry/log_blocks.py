"""How is a file read from its end, whole lines at a time, in bounded memory?"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

SMALLEST_BLOCK = 16 * 1024
LARGEST_BLOCK = 1024 * 1024
LONGEST_LINE = 64 * 1024
"""Bytes kept of one line; the rest of a longer one is skipped."""


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines that stand in a file from `start` up to `end`; of the last one `cut` bytes were left out."""

    start: int
    end: int
    lines: bytes
    cut: int = 0


def block_before(descriptor: int, end: int, size: int, in_time: Callable[[], bool]) -> Block | None:
    """Return about `size` bytes of whole lines before `end`, which is above 0; ``None`` where the file is shorter now.

    A line that is longer than the block comes alone and cut. When the time is over while its beginning is looked for,
    the block is empty and the search goes on at its start.
    """
    start = max(0, end - size)
    data = _read(descriptor, start, end)
    if data is None:
        return None
    first = data.find(b"\n", 0, len(data) - 1)  # a newline at the end only ends the last line
    if start == 0:
        return Block(0, end, data)
    if first >= 0:
        return Block(start + first + 1, end, data[first + 1 :])
    return _enormous(descriptor, start, end, in_time)


def lines_of(block: Block, needle: bytes = b"") -> Iterator[tuple[int, int, bytes]]:
    """Yield start, end and bytes of every line that is not empty, the last one first.

    With a `needle` (lower case) only lines that hold it, whatever the case of their ASCII letters.
    """
    lines = block.lines
    haystack = lines.lower() if needle else lines
    stop = len(lines)
    while stop > 0:
        if needle:
            found = haystack.rfind(needle, 0, stop)
            if found < 0:
                return
            after = lines.find(b"\n", found)
            stop = after if after >= 0 else len(lines)
        elif lines[stop - 1] == 0x0A:
            stop -= 1
        begin = lines.rfind(b"\n", 0, stop) + 1
        if begin < stop:
            end = block.end if stop >= len(lines) else block.start + stop + 1
            yield block.start + begin, end, lines[begin:stop]
        stop = begin if not needle else max(begin - 1, 0)


def _enormous(descriptor: int, start: int, end: int, in_time: Callable[[], bool]) -> Block | None:
    while start > 0:
        if not in_time():
            return Block(start, start, b"")
        before = max(0, start - LARGEST_BLOCK)
        data = _read(descriptor, before, start)
        if data is None:
            return None
        newline = data.rfind(b"\n")
        if newline >= 0:
            start = before + newline + 1
            break
        start = before
    head = _read(descriptor, start, min(end, start + LONGEST_LINE))
    if head is None:
        return None
    head = head.rstrip(b"\n")
    return Block(start, end, head, max(0, end - start - len(head) - 1))


def _read(descriptor: int, start: int, end: int) -> bytes | None:
    data = os.pread(descriptor, end - start, start)
    return data if len(data) == end - start else None
