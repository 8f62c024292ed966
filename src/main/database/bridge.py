"""How does synchronous code reach an event loop? One loop in one thread owns the pool, the hub and the server."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from contextvars import copy_context
from typing import Any, TypeVar

from main.errors import CallbackOnLoop

T = TypeVar("T")


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # not on every platform; the standard loop does the same, slower
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


class AsyncBridge:
    """An event loop in a thread of its own, started when it is first needed."""

    def __init__(self, name: str = "bridge") -> None:
        self._name = name
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop, running."""
        return self.start()

    def start(self) -> asyncio.AbstractEventLoop:
        """Start the loop's thread unless it runs already, and return the loop."""
        with self._lock:
            if self._loop is None:
                loop = _new_loop()
                self._thread = threading.Thread(target=self._turn, args=(loop,), name=self._name, daemon=True)
                self._loop = loop
                self._thread.start()
            return self._loop

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> "Future[T]":
        """Start a coroutine on the loop, in the caller's context variables, and return its future.

        ``asyncio.run_coroutine_threadsafe`` would run it in the loop thread's own context, and the viewer of a
        callback would be lost.
        """
        result: Future[T] = Future()
        context = copy_context()
        loop = self.start()

        def begin() -> None:
            task = loop.create_task(coroutine, context=context)
            task.add_done_callback(lambda done: _copy_result(done, result))
            result.add_done_callback(lambda outcome: _cancel_with(outcome, task, loop))

        loop.call_soon_threadsafe(begin)
        return result

    def run(self, coroutine: Coroutine[Any, Any, T], timeout: float | None = 30.0) -> T:
        """Run a coroutine on the loop and wait for it, from any other thread.

        Raise `CallbackOnLoop` on the loop's own thread, ``TimeoutError`` after `timeout` seconds (the coroutine is
        cancelled), and whatever the coroutine raises.
        """
        if threading.current_thread() is self._thread:
            coroutine.close()
            raise CallbackOnLoop(f"coroutine {getattr(coroutine, '__qualname__', coroutine)}")
        future = self.submit(coroutine)
        try:
            return future.result(timeout)
        except TimeoutError:
            future.cancel()
            raise

    def stop(self, timeout: float = 5.0) -> None:
        """Cancel what still runs, stop the loop and wait for its thread. Harmless when it never started."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None or not thread.is_alive():
            return
        asyncio.run_coroutine_threadsafe(_cancel_all(), loop).add_done_callback(
            lambda _: loop.call_soon_threadsafe(loop.stop)
        )
        thread.join(timeout)

    @staticmethod
    def _turn(loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()


def _copy_result(task: "asyncio.Task[T]", result: "Future[T]") -> None:
    if task.cancelled():
        result.cancel()
        return
    if not result.set_running_or_notify_cancel():  # from here on nobody can cancel it between two lines of ours
        return
    if (error := task.exception()) is not None:
        result.set_exception(error)
    else:
        result.set_result(task.result())


def _cancel_with(outcome: "Future[T]", task: "asyncio.Task[T]", loop: asyncio.AbstractEventLoop) -> None:
    if outcome.cancelled() and not loop.is_closed():
        loop.call_soon_threadsafe(task.cancel)


async def _cancel_all() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.wait(others, timeout=3.0) if others else None
