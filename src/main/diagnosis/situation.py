"""What does every check need to know: the settings, where the database is, and what earlier checks found out?"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from main.clock import now
from main.config import Settings
from main.database.address import Address
from main.database.connect import limits_of, outside_address
from main.database.embedded import EmbeddedServer
from main.database.keeper import direct_address
from main.errors import AITraderError, Problem


@dataclass(slots=True)
class Situation:
    """The installation that is examined.

    ``address`` is how dashboards reach the database, ``None`` where none can be asked; then ``no_database`` says why.
    ``broken_database`` is what an embedded database says that does not start. ``old_schema`` is set by the check of the
    schema, for those that need its tables.
    """

    settings: Settings | None
    problems: tuple[Problem, ...] = ()
    address: Address | None = None
    no_database: str = "the database cannot be reached"
    no_database_fix: str = ""
    broken_database: str = ""
    old_schema: str = ""
    clock: Callable[[], datetime] = field(default=now)

    @property
    def known(self) -> Settings:
        """The settings, for a check that is skipped without them."""
        assert self.settings is not None
        return self.settings

    @property
    def direct(self) -> Address:
        """The way to the database past a pooler, for a check that is skipped without one."""
        assert self.address is not None
        return direct_address(self.known, self.address)


@contextmanager
def situated(settings: Settings, *, start: bool = False) -> Iterator[Situation]:
    """Yield the situation of an installation with these settings.

    With `start` the embedded database runs for as long as the context is open; otherwise nothing is started.
    """
    if not settings.database.embedded:
        yield Situation(settings, address=outside_address(settings))
        return
    with ExitStack() as held:
        try:
            server = EmbeddedServer(settings.data_dir)
            running = held.enter_context(server.acquire()).address if start else server.running()
        except AITraderError as error:
            yield Situation(settings, broken_database=error.message)
            return
        if running is None:
            reason = "the embedded database does not run, and a diagnosis starts nothing"
            yield Situation(settings, no_database=reason, no_database_fix="ai_trader.py doctor --start")
        else:
            yield Situation(settings, address=replace(running, limits=limits_of(settings)))
