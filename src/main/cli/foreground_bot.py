"""How does `trade` run: the bot in the foreground, the database under it, the monitoring beside it?"""

import asyncio
from collections.abc import Callable

import structlog

from main.cli.monitoring import Monitoring
from main.cli.stop_signals import StopSignals
from main.config import Settings
from main.database.address import Address
from main.database.keeper import DatabaseKeeper
from main.errors import AITraderError
from main.monitoring.dashboards.v2.restart_policy import USELESS_TO_RESTART
from main.telemetry.ports import ensure_free
from main.trading.choice import Chosen, choose
from main.trading.run import run_bot

_log = structlog.get_logger(__name__)

_HOST = "127.0.0.1"


class ForegroundBot:
    """One run of `trade`. The bot comes first: the monitoring never ends, restarts or slows it."""

    def __init__(self, settings: Settings, dashboards: tuple[str, ...], say: Callable[[str], None]) -> None:
        """Name the dashboards wanted beside the bot; none for the bot alone. `say` gets lines for the user."""
        self._settings = settings
        self._say = say
        self._signals = StopSignals()
        self._monitoring = Monitoring(settings, dashboards, say) if dashboards else None
        self._chosen: Chosen | None = None
        self._keeper = DatabaseKeeper(settings, on_moved=self._moved)

    def run(self) -> None:
        """Trade until a signal comes, then end everything in order: bot, monitoring, database.

        A bot that fails by itself leaves the dashboards up, for that is when they are needed.
        Raises what ended the bot, and what keeps it from starting.
        """
        keep_dashboards = False
        try:
            self._prepare()
            address = self._keeper.open()
            if self._monitoring is not None:
                self._monitoring.start()
            asyncio.run(self._trade(address))
        except KeyboardInterrupt:
            pass  # asked for the end before there was a bot
        except AITraderError as error:
            keep_dashboards = error.exit_code not in USELESS_TO_RESTART
            raise
        except Exception:
            keep_dashboards = True
            raise
        finally:
            self._signals.listen(lambda: None)
            self._end(keep_dashboards=keep_dashboards)

    def _prepare(self) -> None:
        self._chosen = choose(self._settings)  # what is misspelt must be told before anything is started
        for number in range(len(self._chosen.seats)):
            ensure_free(_HOST, self._settings.trade.health_port + number, setting="BOT_HEALTH_PORT")
        if self._monitoring is not None:
            self._monitoring.prepare()

    async def _trade(self, address: Address) -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()

        def ask() -> None:
            loop.call_soon_threadsafe(self._ask, stop)

        self._signals.listen(ask)
        await run_bot(self._settings, address, stop, self._chosen)

    def _ask(self, stop: asyncio.Event) -> None:
        if not stop.is_set():
            self._say("Stopping.")
            stop.set()

    def _end(self, *, keep_dashboards: bool) -> None:
        if self._monitoring is not None and self._monitoring.started:
            if keep_dashboards:
                self._monitoring.leave()
                self._say("The bot has ended; the dashboards stay up. `ai_trader.py dashboards stop` ends them.")
            else:
                self._monitoring.stop()
        self._keeper.close()

    def _moved(self, address: Address) -> None:
        _log.error(
            "the embedded database has another port now: restart the bot, or it records nothing", port=address.port
        )
