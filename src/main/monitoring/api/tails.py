"""What does a page that has a panel's last version need for the next one? The end of its series, and what is new."""

from collections.abc import Mapping
from typing import Any

import orjson

LEAST_BYTES = 2_000
"""A panel of fewer bytes is sent whole: nothing is gained by looking for what of it stayed."""
LEAST_ITEMS = 16
"""A list of fewer values is sent whole."""
WORTH = 0.6
"""A tail that is longer than this part of the whole is none."""
_SAME: Any = object()


def tail(before: bytes, after: bytes) -> bytes | None:
    """Return the change that makes one panel's content into the next, both as the members of a JSON object.

    A change of an object or a list of objects is an object: by key, or by index, what of it changed. ``[value]`` puts a
    value in the place of the old one; ``[drop, keep, added]`` makes a list of the `keep` values that follow the first
    `drop`, and of those added. ``None`` where the whole is as good: what is short, or has changed all over.
    """
    if min(len(before), len(after)) < LEAST_BYTES:
        return None
    old, new = orjson.loads(b"{%b}" % before), orjson.loads(b"{%b}" % after)
    if old.keys() != new.keys():
        return None
    change = _members(old, new)
    encoded = orjson.dumps(change)
    return encoded if len(encoded) < WORTH * len(after) else None


def _change(old: Any, new: Any, shift: int) -> Any:
    """Return the change of one value, `_SAME` for none; `shift` values went from the start of the series it is in."""
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        return _members(old, new, shift) or _SAME
    if isinstance(old, list) and isinstance(new, list):
        return _list_change(old, new, shift)
    return _SAME if _same(old, new) else [new]


def _members(old: Mapping[str, Any], new: Mapping[str, Any], shift: int = 0) -> dict[str, Any]:
    shift = _shift(old.get("x"), new.get("x")) or shift
    changes = {key: _change(old[key], value, shift) for key, value in new.items()}
    return {key: change for key, change in changes.items() if change is not _SAME}


def _list_change(old: list[Any], new: list[Any], shift: int) -> Any:
    if new and len(old) == len(new) and all(type(each) is dict for pair in zip(old, new, strict=True) for each in pair):
        changes = [_change(one, other, 0) for one, other in zip(old, new, strict=True)]
        return {str(at): change for at, change in enumerate(changes) if change is not _SAME} or _SAME
    if len(new) < LEAST_ITEMS:
        return _SAME if _same(old, new) else [new]
    kept = {drop: _agreeing(old, new, drop) for drop in dict.fromkeys((0, shift, _shift(old, new)))}
    drop = max(kept, key=lambda each: kept[each])
    if drop == 0 and kept[0] == len(old) == len(new):
        return _SAME
    return [drop, kept[drop], new[kept[drop] :]]


def _shift(old: object, new: object) -> int:
    """Return how many values went from the start of a series: where the first of the new one stood in the old one."""
    if not isinstance(old, list) or not isinstance(new, list) or len(new) < LEAST_ITEMS:
        return 0
    return next((at for at, value in enumerate(old) if value == new[0]), 0)


def _agreeing(old: list[Any], new: list[Any], drop: int) -> int:
    """Return how many values of the new list are, from its start on, those of the old one after the first `drop`."""
    pairs = zip(old[drop:], new, strict=False)
    return next(
        (at for at, (one, other) in enumerate(pairs) if one != other or not _same(one, other)),
        min(len(old) - drop, len(new)),
    )


def _same(old: object, new: object) -> bool:
    """Tell whether two values are written alike: for Python true is 1, within lists and objects too."""
    return old == new and type(old) is type(new) and (type(old) not in (list, dict) or _written(old) == _written(new))


def _written(value: object) -> bytes:
    return orjson.dumps(value)
