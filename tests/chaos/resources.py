"""Does anything leak? Processes, descriptors, connections and memory, looked at while nothing disturbs the suite."""

import contextlib
import time
from dataclasses import dataclass, field

import asyncpg
import psutil

from main.config import load_settings
from main.database.postmaster import is_alive
from main.housekeeping.duties import duties
from tests.chaos.complaints import Complaints
from tests.chaos.suite import MARKS, Stressed

BUDGET = {
    "ai-trader trading dashboard": 8,
    "ai-trader system dashboard": 8,
    "ai-trader listener": 2,
    "ai-trader api": 2,
    "ai-trader worker": len(duties(load_settings({}, env={}))) + 1,  # one a job, one for what is told of them
}
"""What each process may hold; one for every name that is not here."""

MORE_DESCRIPTORS = 16  # a dashboard's pool of eight connections may have been empty when the first look was taken
WARM_SECONDS = 120.0  # pools, caches and code are there by then
MORE_MEMORY = 40e6
MORE_MEMORY_SHARE = 0.25
_CONNECTIONS = """
    SELECT application_name AS name, count(*) AS count,
           string_agg(format('%s for %s, since %s: %s', state, date_trunc('second', clock_timestamp() - state_change),
                             date_trunc('second', clock_timestamp() - backend_start), left(query, 60)), ' | ') AS told
      FROM pg_stat_activity WHERE datname = 'trading' AND application_name LIKE 'ai-trader%' GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Look:
    """What one process held at one moment."""

    at: float  # monotonic seconds
    age: float
    rss: int
    descriptors: int


@dataclass
class Resources:
    """The looks so far, by process."""

    looks: dict[tuple[str, int], list[Look]] = field(default_factory=dict)
    connections: dict[str, int] = field(default_factory=dict)  # the most of each name
    first: dict[str, int] = field(default_factory=dict)  # descriptors of the first process of each name
    pids: dict[str, set[int]] = field(default_factory=dict)  # of the last look, by name
    offspring: set[psutil.Process] = field(default_factory=set)  # whatever bot and manager have started, seen so far

    def look(self, world: Stressed) -> list[str]:
        """Look at every process; return which are missing, too many or unknown."""
        found = world.processes()
        self.pids = {name: {process.pid for process in processes} for name, processes in found.items()}
        for name, processes in found.items():
            for process in processes:
                with contextlib.suppress(psutil.Error):
                    self._note(name, process)
                    self.offspring |= set(process.children()) if name in ("bot", "manager") else set()
        strange = {name: len(each) for name, each in found.items() if name not in MARKS or len(each) != 1}
        missing = [name for name in MARKS if name not in found]
        lines = [" ".join(process.cmdline())[:80] for process in found.get("other", []) if process.is_running()]
        return (
            [f"processes: {strange} {lines}"] if strange else [f"no process: {', '.join(missing)}"] if missing else []
        )

    def left(self, world: Stressed) -> list[str]:
        """Return what still runs of a suite that has ended, whatever it had started included."""
        there = {process for each in world.processes().values() for process in each}
        return [f"{process}" for process in there | self.offspring if is_alive(process)]

    def _note(self, name: str, process: psutil.Process) -> None:
        with process.oneshot():
            age, rss, descriptors = time.time() - process.create_time(), process.memory_info().rss, process.num_fds()
        self.looks.setdefault((name, process.pid), []).append(Look(time.monotonic(), age, rss, descriptors))
        self.first.setdefault(name, descriptors)

    async def too_many_connections(self, world: Stressed) -> list[str]:
        """Return what holds more connections than its budget."""
        try:
            connection = await world.server.connect()
        except (OSError, asyncpg.PostgresError) as error:
            return [f"the server does not answer its administrator: {error}"]
        try:
            rows = await connection.fetch(_CONNECTIONS)
        finally:
            connection.terminate()
        for row in rows:
            self.connections[row["name"]] = max(row["count"], self.connections.get(row["name"], 0))
        many = [row for row in rows if row["count"] > BUDGET.get(row["name"], 1)]
        held = _held(world) if many else ""  # whose fault it is: a process's, or that of the way to the server
        return [f"{row['count']} of {row['name']}: {row['told']}; {held}" for row in many]

    def judge(self, complaints: Complaints) -> None:
        """Compare the last looks with the first."""
        for (name, pid), looks in self.looks.items():
            last = looks[-1]
            if last.descriptors > self.first[name] + MORE_DESCRIPTORS:
                told = f"{name} (pid {pid}): {last.descriptors}, at first {self.first[name]}"
                complaints.add("no descriptor is leaked", told)
            warm = [look for look in looks if look.age > WARM_SECONDS]
            if warm and last.rss > warm[0].rss * (1 + MORE_MEMORY_SHARE) + MORE_MEMORY:
                told = f"{name} (pid {pid}): {warm[0].rss / 1e6:.0f} MB, after {last.at - warm[0].at:.0f} s "
                complaints.add("memory is flat", told + f"{last.rss / 1e6:.0f} MB")

    def growth(self) -> list[tuple[str, int, float, float, int, int]]:
        """Return name, pid, RSS in MB when first and last looked at, and descriptors, of each process that lived on."""
        newest = {name: (name, pid) for name, pid in self.looks}  # insertion order: the last process of each name
        rows = []
        for key in newest.values():
            one, last = self.looks[key][0], self.looks[key][-1]
            rows.append((*key, one.rss / 1e6, last.rss / 1e6, one.descriptors, last.descriptors))
        return rows


def _held(world: Stressed) -> str:
    port, counts = world.proxy.address.port, {}
    for name, processes in world.processes().items():
        with contextlib.suppress(psutil.Error):
            open_ones = [each for process in processes for each in process.net_connections("tcp") if each.raddr]
            counts[name] = sum(each.raddr.port == port for each in open_ones)
    return f"{world.proxy.connections} pass the proxy, of them by process {counts}"
