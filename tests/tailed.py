"""What a page makes of a tail: the panel it has, and what changed of it."""

from typing import Any


def merged(old: Any, change: Any) -> Any:
    """Return the next content of a panel from the last one and its tail, as docs/asking.md tells it."""
    match change:
        case [value]:
            return value
        case [drop, keep, added, *ahead]:
            return (ahead[0] if ahead else []) + old[drop : drop + keep] + added
        case dict() if isinstance(old, list):
            return [merged(each, change[str(at)]) if str(at) in change else each for at, each in enumerate(old)]
    return {key: merged(each, change[key]) if key in change else each for key, each in old.items()}
