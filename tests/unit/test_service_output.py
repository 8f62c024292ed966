"""What a service writes comes out line by line, and no more of it than its manager has time for."""

import asyncio
import os

from hypothesis import given, settings
from hypothesis import strategies as st

from main.monitoring.dashboards.v2.service_output import BURST_SECONDS, LONGEST_LINE, SHARE, Allowance, OutputLines


async def lines_of(pieces: list[bytes], allowance: Allowance | None = None) -> list[bytes]:
    """Return what comes out when these are written one by one and the pipe is closed."""
    reading, writing = os.pipe()
    lines: list[bytes] = []
    output = OutputLines(os.fdopen(reading, "rb", buffering=0), allowance or Allowance(lambda: 0.0), lines.append)
    for piece in pieces:
        os.write(writing, piece)
        await asyncio.sleep(0)
    os.close(writing)
    output.close()
    return lines


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=40).map(lambda text: text.replace(b"x", b"\n")), max_size=20))
def test_lines_are_the_same_however_they_are_cut_into_pieces(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    assert asyncio.run(lines_of([piece for piece in pieces if piece])) == [line for line in whole.split(b"\n") if line]


async def test_a_line_without_end_comes_in_pieces() -> None:
    pieces = await lines_of([b"y" * 50_000, b"z" * 3, b"\nend"])
    assert b"".join(pieces[:-1]) == b"y" * 50_000 + b"zzz"
    assert max(map(len, pieces)) == LONGEST_LINE
    assert pieces[-1] == b"end"


async def test_what_takes_too_long_is_left_out_and_counted() -> None:
    clock = 0.0
    kept: list[bytes] = []

    def slow(line: bytes) -> None:
        nonlocal clock
        clock += 1.0
        kept.append(line)

    allowance = Allowance(lambda: clock)
    taken = [allowance.keep(b"line", slow) for _ in range(100)]
    assert taken.count(True) == int(BURST_SECONDS) + 1  # the last one begins with a little left
    clock += 1.5 / SHARE
    assert allowance.keep(b"later", slow)
    assert kept[-1] == b"later"


async def test_what_is_left_out_is_told_with_its_number() -> None:
    clock = 0.0
    told: list[bytes] = []

    def slow(line: bytes) -> None:
        nonlocal clock
        clock += 10.0
        told.append(line)

    reading, writing = os.pipe()
    every: list[bytes] = []
    allowance = Allowance(lambda: clock)
    output = OutputLines(os.fdopen(reading, "rb", buffering=0), allowance, slow, every.append)
    os.write(writing, b"one\ntwo\nthree\n")
    os.close(writing)
    output.close()
    assert told[0] == b"one"
    assert b'"event": "output left out", "lines": 2' in told[1]
    assert every == [b"one", b"two", b"three"]
