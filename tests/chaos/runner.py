"""One run of chaos: a suite, those who watch it, and fault after fault until the time is over."""

import asyncio
import contextlib
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

from tests.chaos.browser import Screen
from tests.chaos.complaints import Complaints
from tests.chaos.faults import FAULTS
from tests.chaos.ledger import differences
from tests.chaos.pages import Page
from tests.chaos.pollers import Asked, Bot, Lag, Probed
from tests.chaos.report import Report
from tests.chaos.schedule import Group, Planned, groups, groups_within, kinds
from tests.chaos.suite import ACCOUNTS, MARKS, PATIENCE, Stressed, stressed
from tests.chaos.writes import Writing

RIGHT_SECONDS = 10.0 * PATIENCE
"""PROMISES 9: all is right again so soon after what disturbed it has ended."""

LATE_SECONDS = 60.0
WARM_UP_SECONDS, WARM_UP_PATIENCE = 6.0, 60.0 * PATIENCE
STOP_SECONDS = 10.0 * PATIENCE
LONG_FORM_SECONDS = 120.0
POLL_SECONDS = 0.1

Say = Callable[[str], None]


class Watch:
    """All who look at one suite."""

    def __init__(self, world: Stressed, complaints: Complaints) -> None:
        suite, self.world, self.complaints = world.suite, world, complaints
        self.lag = Lag()
        others = tuple(each.encode() for each in ACCOUNTS[1:])
        self.pages = [
            Page(world, complaints, "trading"),
            Page(world, complaints, "trading", ACCOUNTS[:1], others),
            Page(world, complaints, "system"),
        ]
        ports = {name: suite.port(name) for name in MARKS}
        self.probed = [Probed(world, complaints, self.lag, name, port) for name, port in ports.items()]
        self.asked = [Asked(world, complaints, name) for name in ("trading", "system")]
        self.bots = [
            Bot(world, complaints, self.lag, account, suite.port("bot") + number)
            for number, account in enumerate(ACCOUNTS)
        ]
        self.writing = Writing(world, complaints)
        self.screen = Screen(world, complaints)
        self.brisk: dict[int, frozenset[str]] = {}

    @contextlib.asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        """Look for the length of the context."""
        watchers = [self.lag, *self.pages, *self.probed, *self.asked, *self.bots, self.writing, self.screen]
        tasks = [asyncio.create_task(each.run(), name=str(type(each).__name__)) for each in watchers]
        try:
            yield
            for task in tasks:
                if task.done() and task.exception() is not None:
                    raise task.exception() or AssertionError  # a watcher that fell asleep would find nothing
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def learn(self) -> None:
        """Note which panels have new facts all the time."""
        self.brisk = {id(page): page.brisk for page in self.pages}

    def wrong(self, since: float) -> list[str]:
        """Return what is not right now; `since` is when nothing disturbs it any more (seconds since the epoch)."""
        faults = [f"{each.name}: no /livez" for each in self.probed if each.answered_at < since]
        faults += [f"{each.dashboard}: no good answer over REST" for each in self.asked if each.right_at < since]
        for page in self.pages:
            faults += page.wrong(since, self.brisk.get(id(page), frozenset()))
        for bot in self.bots:
            recorder = bot.status.get("recorder", {})
            if not recorder.get("database_reachable"):
                faults.append(f"{bot.account}: its recorder has no database: {recorder.get('last_error')}")
        return faults + self.screen.wrong()


class Run:
    """One run, from its seed to its report."""

    def __init__(
        self, folder: Path, seed: int, seconds: float, *, only: Iterable[str] = (), say: Say = lambda _: None
    ) -> None:
        self.report = Report(seed, seconds, tuple(only))
        self._folder = folder
        self._say = say
        self._kinds = kinds(long_form=seconds > LONG_FORM_SECONDS, only=only)

    @property
    def plan(self) -> str:
        """The schedule, further than the run will come."""
        return "\n".join(f"  {group}" for group in groups_within(self.report.seed, self._kinds, self.report.seconds))

    async def go(self) -> Report:
        """Do it. What is broken is in the report."""
        complaints = self.report.complaints
        async with stressed(self._folder, self.report.seed) as world:
            watch = Watch(world, complaints)
            async with watch.looking():
                await self._warm_up(world, watch)
                deadline = time.monotonic() + self.report.seconds
                to_come = {kind.family for kind in self._kinds}
                for group in groups(self.report.seed, self._kinds):
                    await self._group(world, watch, group)
                    to_come -= {each.kind.family for each in group.faults}
                    if time.monotonic() > deadline and not to_come:
                        break
                complaints.faults = ()
            for each in _refused(watch):
                complaints.add("nothing is lost", each)
            self._note_extremes(watch)
            self.report.resources.judge(complaints)
            await self._end(world, watch)
        return self.report

    async def _warm_up(self, world: Stressed, watch: Watch) -> None:
        problems = await self._right(watch, time.time(), WARM_UP_PATIENCE)
        if problems:
            raise AssertionError("the suite is not right before any fault: " + "; ".join(problems))
        for page in watch.pages:
            for panel in page.panels.values():
                panel.changes = 0
        await asyncio.sleep(WARM_UP_SECONDS)
        watch.learn()
        await self._look(world)

    async def _group(self, world: Stressed, watch: Watch, group: Group) -> None:
        self.report.groups.append(group)
        self.report.complaints.faults = tuple(each.name for each in group.faults)
        self._say(f"  {group}")
        pids = self.report.resources.pids
        await asyncio.gather(*(_inject(world, each) for each in group.faults))
        await self._recovery(world, watch, group)
        await self._look(world)
        for name in MARKS:
            if name not in world.afflicted and pids.get(name) != self.report.resources.pids.get(name):
                self.report.complaints.add("only what was killed is started again", name)
        world.afflicted.clear()
        world.excused_until = 0.0
        await asyncio.sleep(group.pause)

    async def _recovery(self, world: Stressed, watch: Watch, group: Group) -> None:
        ended, since = time.monotonic(), time.time()
        patience = max(0.0, world.excused_until - ended) + RIGHT_SECONDS
        problems = await self._right(watch, since, patience)
        self.report.group_done(group, time.monotonic() - ended)
        if not problems:
            return
        left = await self._right(watch, since, LATE_SECONDS)  # what follows is to be judged by itself
        self._say(f"    right after {time.monotonic() - ended:.1f} s" if not left else f"    not right: {left}")
        for each in problems:
            self.report.complaints.add(f"right again within {RIGHT_SECONDS:g} s", each, about=each.split(" (")[0])
        for each in left:
            self.report.complaints.add(f"right again within {LATE_SECONDS:g} s", each, about=each.split(" (")[0])

    async def _right(self, watch: Watch, since: float, patience: float) -> list[str]:
        """Wait until all is right; return what is not after `patience` seconds."""
        deadline = time.monotonic() + patience
        while (problems := watch.wrong(since)) and time.monotonic() < deadline:
            await asyncio.sleep(POLL_SECONDS)
        return problems

    async def _look(self, world: Stressed) -> None:
        """Look for leaks; what is on its way out gets the time to go."""
        resources, deadline = self.report.resources, time.monotonic() + RIGHT_SECONDS
        while True:
            strange = await asyncio.to_thread(resources.look, world)
            many = await resources.too_many_connections(world)
            if not (strange or many) or time.monotonic() > deadline:
                break
            await asyncio.sleep(0.5)
        for each in strange:
            self.report.complaints.add("no process is leaked, none is missing", each)
        for each in many:
            self.report.complaints.add("no connection is leaked", each)

    async def _end(self, world: Stressed, watch: Watch) -> None:
        """End the suite as a user does, and look at what it leaves behind."""
        complaints, began = self.report.complaints, time.monotonic()
        world.bot.send_signal(signal.SIGTERM)
        try:
            code = await asyncio.to_thread(world.bot.wait, 30)
        except subprocess.TimeoutExpired:
            code = None
        self.report.stop_seconds = time.monotonic() - began
        rule = f"SIGTERM ends everything in order within {STOP_SECONDS:g} s"
        if code != 0 or self.report.stop_seconds > STOP_SECONDS:
            complaints.add(rule, f"exit code {code} after {self.report.stop_seconds:.1f} s")
        if "Traceback" in world.suite.said():
            complaints.add("no traceback for the user", world.suite.said().partition("Traceback")[2][:1500])
        for each in await asyncio.to_thread(self.report.resources.left, world):
            complaints.add("no process is left", each)
        for each in [*await differences(world), *await watch.writing.differences()]:
            complaints.add("nothing is lost, nothing is twice", each)
        verified = world.suite.start("db", "verify")
        if await asyncio.to_thread(verified.wait, 60) != 0:
            complaints.add("the books are right", world.suite.said()[-1500:])
        for each in await self.report.resources.too_many_connections(world):
            complaints.add("no connection is left", each)

    def _note_extremes(self, watch: Watch) -> None:
        extremes = self.report.extremes
        for each in watch.probed:
            extremes[f"/livez of {each.name}, slowest s"] = each.slowest
        for bot in watch.bots:
            extremes[f"cycle of {bot.account}, longest s"] = bot.longest_cycle
        extremes["writes over HTTP stored"] = len(watch.writing.acknowledged)
        extremes["writes over HTTP put off"] = watch.writing.put_off
        extremes["lag of this process, s"] = watch.lag.worst


async def _inject(world: Stressed, planned: Planned) -> None:
    await asyncio.sleep(planned.after)
    async with FAULTS[planned.kind.name](world, planned):
        await asyncio.sleep(planned.seconds)


def _refused(watch: Watch) -> list[str]:
    return [
        f"{bot.account}: {recorder[name]} {name} ({recorder['last_error']})"
        for bot in watch.bots
        for recorder in (bot.status["recorder"],)
        for name in ("conflicts", "dead_letters")
        if recorder[name]
    ]
