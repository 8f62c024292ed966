"""What must never reach a terminal, a log or a page as it is: characters that act instead of being read."""

import re

# Controls (C0, DEL, C1: escape sequences of terminals), line ends of Unicode, changes of writing direction (they make
# a text read as another than it is), and halves of surrogate pairs, which no encoding takes.
_ACTING = "\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"
_ACTING_IN_JSON = re.compile(f"[{_ACTING}]")
_ACTING_IN_LINE = re.compile(f"[\x00-\x1f{_ACTING}]")
_ACTING_IN_TEXT = re.compile(f"[\x00-\x08\x0b-\x1f{_ACTING}]")


def inert(text: str) -> str:
    """Return `text` on one line with what acts written out (``\\u001b``); nothing else is changed."""
    return _ACTING_IN_LINE.sub(_written_out, text)


def inert_lines(text: str) -> str:
    """Return `text` as `inert` does, its line ends and tabs kept: a traceback for a person."""
    return _ACTING_IN_TEXT.sub(_written_out, text)


def inert_json(document: str) -> str:
    """Return a JSON document that means the same, with what JSON leaves as it is written out too."""
    return _ACTING_IN_JSON.sub(_written_out, document)


def _written_out(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
