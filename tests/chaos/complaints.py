"""Which invariants were broken, when, and under which faults?"""

import time
from collections import Counter
from dataclasses import dataclass, field

MOST = 40


@dataclass(frozen=True, slots=True)
class Complaint:
    """One broken invariant."""

    at: float  # seconds since the run began
    invariant: str
    what: str
    faults: tuple[str, ...]  # those of the group that was going on, or had just ended

    def __str__(self) -> str:
        return f"{self.at:7.1f} s  {self.invariant}: {self.what}  [{', '.join(self.faults) or 'no fault'}]"


@dataclass
class Complaints:
    """What was found, the same thing once a group."""

    faults: tuple[str, ...] = ()
    found: list[Complaint] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    _seen: set[tuple[str, str, tuple[str, ...]]] = field(default_factory=set)
    _began: float = field(default_factory=time.monotonic)

    def add(self, invariant: str, what: str, *, about: str = "") -> None:
        """Note that an invariant is broken; `about` tells equal complaints apart where `what` has changing figures."""
        self.counts[invariant] += 1
        key = (invariant, about or what, self.faults)
        if key not in self._seen and len(self.found) < MOST:
            self._seen.add(key)
            self.found.append(Complaint(time.monotonic() - self._began, invariant, what, self.faults))
