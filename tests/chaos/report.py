"""What is told of a run: its schedule, what was found, how long everything took to be right again."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.chaos.complaints import Complaints
from tests.chaos.resources import Resources
from tests.chaos.schedule import Group


@dataclass
class Report:
    """What happened in one run."""

    seed: int
    seconds: float
    only: tuple[str, ...] = ()  # kinds of faults; none: all
    groups: list[Group] = field(default_factory=list)
    to_right: dict[str, list[float]] = field(
        default_factory=dict
    )  # by fault: seconds from its end, those not right too
    complaints: Complaints = field(default_factory=Complaints)
    resources: Resources = field(default_factory=Resources)
    extremes: dict[str, float] = field(default_factory=dict)
    stop_seconds: float | None = None

    @property
    def replay(self) -> str:
        """The command that does all of it again."""
        only = f" CHAOS_ONLY='{','.join(self.only)}'" if self.only else ""
        return f"CHAOS_SEED={self.seed}{only} make chaos SECONDS={self.seconds:g}"

    def group_done(self, group: Group, seconds: float) -> None:
        """Note that everything was right (or given up) so many seconds after the end of a group's last fault."""
        for each in group.faults:
            self.to_right.setdefault(each.name, []).append(seconds)

    @property
    def failed(self) -> bool:
        """Whether an invariant was broken."""
        return bool(self.complaints.found)

    def schedule(self) -> str:
        """Return what was done, a line a group."""
        return "\n".join(f"  {group}" for group in self.groups)

    def failure(self) -> str:
        """Return what was broken and how to see it again."""
        found = "\n".join(f"  {each}" for each in self.complaints.found)
        return f"{len(self.complaints.found)} broken invariants\n{found}\nReplay: {self.replay}\n{self.schedule()}"

    def summary(self) -> str:
        """Return the tables of a long run."""
        lines = [f"Seed {self.seed}, {self.seconds:g} s, {sum(len(group.faults) for group in self.groups)} faults", ""]
        lines += _table(
            ("fault", "times", "right again p50 s", "max s"),
            [
                (name, len(times), f"{statistics.median(times):.1f}", f"{max(times):.1f}")
                for name, times in sorted(self.to_right.items())
            ],
        )
        lines += [
            "",
            *_table(
                ("process", "pid", "RSS first MB", "last MB", "descriptors first", "last"),
                [
                    (name, pid, f"{one:.0f}", f"{two:.0f}", n, m)
                    for name, pid, one, two, n, m in self.resources.growth()
                ],
            ),
        ]
        lines += ["", *_table(("connections", "most"), sorted(self.resources.connections.items()))]
        lines += ["", *_table(("extreme", ""), [(name, f"{value:.3f}") for name, value in self.extremes.items()])]
        if self.stop_seconds is not None:
            lines += ["", f"Ended on SIGTERM in {self.stop_seconds:.1f} s."]
        return "\n".join(lines)


def _table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> list[str]:
    cells = [head, *(tuple(map(str, row)) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    return [
        "  ".join(
            cell.ljust(width) if not column else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]
