"""Which faults come, in which order and how long? All of it follows from a seed."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

SERVICES = ("trading", "system", "worker", "manager")
TABLES = (
    "accounts",
    "bot_heartbeats",
    "fills",
    "order_events",
    "orders",
    "positions",
    "services",
    "system_metrics",
    "trading_pnl",
)
MOST_ENDS, WINDOW_SECONDS = 2, 70.0
"""A service that ends five times within a minute is given up, and that would be right; so often no schedule ends it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A fault that can be injected: `details` are its forms, `shortest` and `longest` its seconds."""

    name: str
    family: str
    shortest: float = 0.0
    longest: float = 0.0
    details: tuple[str, ...] = ("",)
    long_form: bool = False  # too slow for a minute


KINDS = (
    Kind("kill", "killed processes", details=SERVICES),
    Kind("stop", "stopped processes", 1.0, 5.0, SERVICES),
    Kind("hang", "stopped processes", 18.0, 24.0, ("trading", "system", "worker"), long_form=True),
    Kind("bot killed", "killed bot", long_form=True),
    Kind("server killed", "server", 0.5, 4.0),
    Kind("server frozen", "server", 1.0, 6.0),
    Kind("server restarted", "server"),
    Kind("sessions terminated", "sessions", details=("some", "all")),
    Kind("connections exhausted", "sessions", 2.0, 5.0, ("for new ones", "for all")),
    Kind("table locked", "locks", 1.0, 5.0, TABLES),
    Kind("network slow", "network", 2.0, 6.0, ("20 ms", "200 ms", "jitter")),
    Kind("network narrow", "network", 2.0, 6.0, ("50 kB/s", "5 kB/s")),
    Kind("network frozen", "network", 2.0, 6.0, ("up", "down", "both")),
    Kind("network swallows", "network", 2.0, 5.0, ("up", "down")),
    Kind("connections reset", "connections", details=("some", "all")),
    Kind("connections cut", "connections", details=("some", "all")),
    Kind("connections half open", "connections", 3.0, 6.0, ("some", "all")),
    Kind("connections orphaned", "connections", 2.0, 5.0, ("some", "all")),
    Kind("connections refused", "connections", 1.0, 5.0),
    Kind("connections mute", "connections", 1.0, 5.0),
    Kind("log folder", "disk", 1.0, 4.0, ("removed", "a file instead")),
)
FAMILIES = tuple(dict.fromkeys(kind.family for kind in KINDS if not kind.long_form))


@dataclass(frozen=True, slots=True)
class Planned:
    """One fault to come: `after` so many seconds of its group, for so many `seconds`; `seed` is its own chance."""

    number: int
    kind: Kind
    detail: str
    after: float
    seconds: float
    seed: int

    @property
    def name(self) -> str:
        """What it is called in a report."""
        return f"{self.kind.name} {self.detail}".strip()

    def __str__(self) -> str:
        lasting = f" for {self.seconds:.1f} s" if self.seconds else ""
        return f"#{self.number} +{self.after:.1f} s {self.name}{lasting}"


@dataclass(frozen=True, slots=True)
class Group:
    """Faults that come one upon the other; the next group begins `pause` seconds after all is right again."""

    faults: tuple[Planned, ...]
    pause: float

    @property
    def seconds(self) -> float:
        """How long it takes at least."""
        return max(each.after + each.seconds for each in self.faults) + self.pause

    def __str__(self) -> str:
        return f"{', '.join(map(str, self.faults))}; {self.pause:.1f} s of peace"


def kinds(*, long_form: bool = False, only: Iterable[str] = ()) -> tuple[Kind, ...]:
    """Return the kinds of a run: those a minute has time for, or all, or `only` some by their names."""
    wanted = set(only)
    if unknown := wanted - {kind.name for kind in KINDS}:
        raise ValueError(f"no fault {', '.join(unknown)}: there are {', '.join(kind.name for kind in KINDS)}")
    return tuple(kind for kind in KINDS if (kind.name in wanted if wanted else long_form or not kind.long_form))


def groups(seed: int, among: tuple[Kind, ...]) -> Iterator[Group]:
    """Yield groups for ever. All families take their turns, so a few groups have something of each."""
    draw = _Drawing(seed, among)
    while True:
        yield draw.group()


def groups_within(seed: int, among: tuple[Kind, ...], seconds: float) -> list[Group]:
    """Return as many groups as there would be in so many seconds if everything were right again at once."""
    clock, within = 0.0, []
    for group in groups(seed, among):
        within.append(group)
        clock += group.seconds
        if clock >= seconds:
            break
    return within


class _Drawing:
    def __init__(self, seed: int, among: tuple[Kind, ...]) -> None:
        self._random = random.Random(seed)
        self._kinds = among
        self._most = min(3, len({kind.family for kind in among}))
        self._bag: list[str] = []
        self._count = 0
        self._clock = 0.0  # at least so late a group begins
        self._ends: list[tuple[str, float]] = []

    def group(self) -> Group:
        size = min(self._most, self._random.choices((1, 2, 3), (5, 3, 2))[0])
        families: list[str] = []
        while len(families) < size:
            families.append(self._family(families))
        faults = tuple(self._fault(family, first=not number) for number, family in enumerate(families))
        group = Group(faults, self._random.uniform(0.2, 1.5))
        self._clock += group.seconds
        return group

    def _family(self, taken: list[str]) -> str:
        if not set(self._bag) - set(taken):
            self._bag = list(dict.fromkeys(kind.family for kind in self._kinds))
            self._random.shuffle(self._bag)
        chosen = next(family for family in self._bag if family not in taken)
        self._bag.remove(chosen)
        return chosen

    def _fault(self, family: str, *, first: bool) -> Planned:
        kind = self._random.choice([kind for kind in self._kinds if kind.family == family])
        after = 0.0 if first else self._random.uniform(0.0, 2.0)
        seconds = self._random.uniform(kind.shortest, kind.longest)
        detail = self._random.choice([each for each in kind.details if self._may_end(kind, each)] or kind.details)
        if kind.name in ("kill", "hang"):
            self._ends.append((detail, self._clock))
        self._count += 1
        return Planned(self._count, kind, detail, round(after, 2), round(seconds, 2), self._random.getrandbits(32))

    def _may_end(self, kind: Kind, target: str) -> bool:
        recent = [when for name, when in self._ends if name == target and self._clock - when < WINDOW_SECONDS]
        return kind.name not in ("kill", "hang") or len(recent) < MOST_ENDS
