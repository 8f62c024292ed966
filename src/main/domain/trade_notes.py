"""What may somebody write about a trade: how long a note, which tags?"""

from dataclasses import dataclass

LONGEST_NOTES = 2_000
MOST_TAGS = 20
LONGEST_TAG = 40


@dataclass(frozen=True, slots=True)
class TradeNotes:
    """Notes, empty for none, and tags, each once. Raises ``ValueError`` that begins with the name of the field."""

    notes: str = ""
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.notes) > LONGEST_NOTES:
            raise ValueError(f"notes: got {len(self.notes):,} characters, expected at most {LONGEST_NOTES:,}")
        if not _storable(self.notes):
            raise ValueError("notes: got letters that nothing can hold, expected text without NUL")
        if len(self.tags) > MOST_TAGS:
            raise ValueError(f"tags: got {len(self.tags)}, expected at most {MOST_TAGS}")
        for tag in self.tags:
            if not 0 < len(tag) <= LONGEST_TAG or not tag.isprintable() or tag != tag.strip():
                raise ValueError(f"tags: got {tag[:LONGEST_TAG]!r}, expected 1 to {LONGEST_TAG} characters of one line")

    @classmethod
    def written(cls, notes: str, tags: tuple[str, ...]) -> "TradeNotes":
        """Return what was typed, without the blanks around it and with each tag once."""
        plain = notes.replace("\r\n", "\n").replace("\r", "\n").strip()
        return cls(plain, tuple(dict.fromkeys(tag.strip() for tag in tags if tag.strip())))


def _storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)
