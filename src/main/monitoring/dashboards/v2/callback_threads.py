"""Where do synchronous callbacks run, how many at once, and how long does one wait for its turn?"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import TypeVar

from main.errors import CallbacksBusy

T = TypeVar("T")


class CallbackThreads:
    """A few threads, each for one callback at a time. They are daemons: one that never returns cannot hold the exit."""

    def __init__(self, count: int, wait_seconds: float) -> None:
        """Run at most `count` callbacks at once; the next one waits for `wait_seconds` and is refused then."""
        self._count = count
        self._wait_seconds = wait_seconds
        self._free = asyncio.Semaphore(count)

    async def run(self, call: Callable[[], T]) -> T:
        """Return what `call` returns, in the caller's context variables. Raise `CallbacksBusy`, and what it raises."""
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._free.acquire()
        except TimeoutError:
            raise CallbacksBusy(self._count, self._wait_seconds) from None
        loop, context = asyncio.get_running_loop(), copy_context()
        outcome: asyncio.Future[T] = loop.create_future()

        def work() -> None:
            try:
                result = context.run(call)
            except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to who waits
                end(partial(outcome.set_exception, error))
            else:
                end(partial(outcome.set_result, result))

        def end(tell: Callable[[], None]) -> None:
            def told() -> None:
                self._free.release()
                if not outcome.done():  # else: who asked has gone
                    tell()

            with contextlib.suppress(RuntimeError):  # the loop is closed: the process ends
                loop.call_soon_threadsafe(told)

        try:
            threading.Thread(target=work, name="callback", daemon=True).start()
        except RuntimeError:  # the machine has no thread left
            self._free.release()
            raise
        return await outcome
