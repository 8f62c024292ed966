"""How are the checks carried out, so that one which hangs or breaks does not keep the others from their answer?"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import asyncpg

from main.database.session import UNREACHABLE, reason_of
from main.diagnosis.finding import Finding, failed, skipped
from main.diagnosis.situation import Situation
from main.telemetry.redaction import Redactor, secrets_of

Examine = Callable[[Situation], Awaitable[Sequence[Finding]]]
Needs = Literal["nothing", "settings", "database", "schema"]

_ENDING_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Check:
    """One subject of the diagnosis; it is skipped where what it `needs` is not there."""

    name: str
    examine: Examine
    needs: Needs = "settings"
    limit_seconds: float = 15.0


def off_loop(look: Callable[[Situation], Sequence[Finding]]) -> Examine:
    """Return a check that looks in a thread of its own: a disk that hangs must not hold the loop, nor the exit."""

    async def examine(situation: Situation) -> Sequence[Finding]:
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Sequence[Finding]] = loop.create_future()

        def tell(result: Sequence[Finding] | BaseException) -> None:
            if outcome.done():
                return
            if isinstance(result, BaseException):
                outcome.set_exception(result)
            else:
                outcome.set_result(result)

        def run() -> None:
            result: Sequence[Finding] | BaseException
            try:
                result = look(situation)
            except Exception as error:  # noqa: BLE001  # a boundary: told to who waits for it
                result = error
            if not loop.is_closed():
                loop.call_soon_threadsafe(tell, result)

        threading.Thread(target=run, name="diagnosis", daemon=True).start()
        return await outcome

    return examine


async def examine_all(checks: Sequence[Check], situation: Situation) -> tuple[Finding, ...]:
    """Carry out the checks in their order and return what they found, without secrets. Never raises."""
    redact = Redactor(secrets_of(situation.settings) if situation.settings is not None else ())
    found: list[Finding] = []
    for check in checks:
        found += await _examined(check, situation)
    return tuple(replace(each, seen=redact(each.seen), fix=redact(each.fix)) for each in found)


async def _examined(check: Check, situation: Situation) -> Sequence[Finding]:
    missing = _missing(check, situation)
    if missing is not None:
        return [missing]
    running = asyncio.ensure_future(check.examine(situation))
    await asyncio.wait({running}, timeout=check.limit_seconds)
    if not running.done():
        running.cancel()
        await asyncio.wait({running}, timeout=_ENDING_SECONDS)
        told = f"no answer after {check.limit_seconds:g} s"
        fix = "ai_trader.py doctor again; if it stays: the machine, its disk or the database is overloaded or frozen"
        return [failed(check.name, told, fix)]
    try:
        return running.result()
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # a boundary: the other checks go on
        if check.needs in ("database", "schema") and isinstance(error, (*UNREACHABLE, asyncpg.PostgresError)):
            return [
                failed(check.name, f"the database: {reason_of(error)}", "ai_trader.py db status, and the server's log")
            ]
        told = f"the check itself failed: {type(error).__name__}: {error}"
        return [failed(check.name, told, "report this with the output of: ai_trader.py doctor --json")]


def _missing(check: Check, situation: Situation) -> Finding | None:
    if check.needs == "nothing":
        return None
    if situation.settings is None:
        return skipped(check.name, "the settings are wrong", "correct them first")
    if check.needs in ("database", "schema") and situation.address is None:
        return skipped(check.name, "needs the database")
    if check.needs == "schema" and situation.old_schema:
        return skipped(check.name, situation.old_schema, "ai_trader.py db migrate")
    return None
