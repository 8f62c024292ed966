"""What does a page that has a panel's last version need for the next one? The end of its series, and what is new."""

from bisect import bisect_left
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
_Place = tuple[int, int]
"""Where two lists may agree: so many new values stand before the rest of the old list, of which so many are dropped."""


def tail(before: bytes, after: bytes) -> bytes | None:
    """Return the change that makes one panel's content into the next, both as the members of a JSON object.

    A change of an object or a list of objects is an object: by key, or by index, what of it changed. ``[value]`` puts a
    value in the place of the old one. ``[drop, keep, added]`` makes a list of the `keep` values that follow the first
    `drop`, and of those added; a fourth member has those that come before them. ``None`` where the whole is as good:
    what is short, or has changed all over.
    """
    if min(len(before), len(after)) < LEAST_BYTES:
        return None
    old, new = orjson.loads(b"{%b}" % before), orjson.loads(b"{%b}" % after)
    if old.keys() != new.keys():
        return None
    encoded = orjson.dumps(_members(old, new, (0, 0)))
    return encoded if len(encoded) < WORTH * len(after) else None


def _change(old: Any, new: Any, hint: _Place) -> Any:
    """Return the change of one value, `_SAME` for none; `hint` is where the series beside it went on."""
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        return _members(old, new, hint) or _SAME
    if isinstance(old, list) and isinstance(new, list):
        return _list_change(old, new, hint)
    return _SAME if _same(old, new) else [new]


def _members(old: Mapping[str, Any], new: Mapping[str, Any], hint: _Place) -> dict[str, Any]:
    was, now = old.get("x"), new.get("x")
    if isinstance(was, list) and isinstance(now, list):
        hint, _ = _continued(was, now, hint)
    changes = {key: _change(old[key], value, hint) for key, value in new.items()}
    return {key: change for key, change in changes.items() if change is not _SAME}


def _list_change(old: list[Any], new: list[Any], hint: _Place) -> Any:
    objects = new and len(old) == len(new) and all(type(each) is dict for each in (*old, *new))
    if len(new) >= LEAST_ITEMS:
        (ahead, drop), keep = _continued(old, new, hint)
        if keep == len(old) == len(new):
            return _SAME
        if not objects or keep > len(new) // 2:
            change = [drop, keep, new[ahead + keep :]]
            return [*change, new[:ahead]] if ahead else change
    if objects:
        changes = [_change(one, other, (0, 0)) for one, other in zip(old, new, strict=True)]
        return {str(at): change for at, change in enumerate(changes) if change is not _SAME} or _SAME
    return _SAME if _same(old, new) else [new]


def _continued(old: list[Any], new: list[Any], hint: _Place) -> tuple[_Place, int]:
    """Return where a new list has most of the old one in a row, and how much.

    That is from their starts, where it moved on (its first value may be another each time), or behind what was put
    before it.
    """
    places = [hint, (0, 0)]
    if old and new:
        places += [(0, _index(old, new[0])), (1, _index(old, new[1]) if len(new) > 1 else 0), (_index(new, old[0]), 0)]
    best, most = (0, 0), 0
    for place in dict.fromkeys(places):
        kept = _agreeing(old[place[1] :], new[place[0] :])
        if kept > most:
            best, most = place, kept
        if most > len(new) // 2:  # hardly another place has more
            break
    return best, most


def _index(values: list[Any], wanted: object) -> int:
    try:
        return values.index(wanted)
    except ValueError:
        return 0


def _agreeing(old: list[Any], new: list[Any]) -> int:
    """Return how many values two lists have in common before they differ."""
    most = min(len(old), len(new))
    if not most or not _same(old[0], new[0]):
        return 0
    for likely in (most, most - 1):
        if _same(old[:likely], new[:likely]):
            return likely
    return bisect_left(range(most), True, key=lambda at: not _same(old[: at + 1], new[: at + 1]))


def _same(old: object, new: object) -> bool:
    """Tell whether two values are written alike: for Python true is 1, within lists and objects too."""
    if old != new or type(old) is not type(new):
        return False
    if not isinstance(old, list) or not isinstance(new, list):
        return not isinstance(old, dict) or _written(old) == _written(new)
    kinds = [*map(type, old)]
    return kinds == [*map(type, new)] and ({list, dict}.isdisjoint(kinds) or _written(old) == _written(new))


def _written(value: object) -> bytes:
    return orjson.dumps(value)
