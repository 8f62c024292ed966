"""How does an export become a file: whole or not at all, and over no other?"""

import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from main import text
from main.cli.asking import Asking, asking
from main.cli.show_options import Words, asked, table_scope
from main.config import Settings
from main.database.address import Address
from main.database.pulse import Pulse
from main.domain.scope import Scope
from main.errors import AITraderError, ConfigurationError, Problem
from main.exporters.exports import Export, Exports, whole
from main.exporters.format import Format
from main.exporters.formats import FORMATS
from main.exporters.source import Source, of_value, pages
from main.exporters.tables import of_table
from main.monitoring.api.exporting import exported, file_name
from main.monitoring.api.question import Question

ENDLESS = 10**12
"""Rows: a file has no such end as an answer over HTTP."""
PRINTED = Path("-")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be written: the answer of a read, or a table of the database as it is stored."""

    question: Question | None
    table: str
    scope: Scope
    form: Format

    @property
    def name(self) -> str:
        """What the file is called after."""
        return self.question.read.name if self.question is not None else self.table


def chosen_format(name: str | None, output: Path | None) -> str:
    """Return the name of the format: the one given, else the one that the file's name ends with, else CSV."""
    if name is not None:
        return name
    ending = output.suffix.removeprefix(".").lower() if output is not None else ""
    return ending if ending in FORMATS else "csv"


def wanted_read(found: Words, given: Mapping[str, str], pairs: Sequence[str], form: str) -> Wanted:
    """Return what the words of a command line want of a read. Raises `ConfigurationError` with every mistake."""
    question = asked(found, given, pairs, form, formats=tuple(FORMATS), ask=exported).question
    return Wanted(question, "", question.scope, FORMATS[form])


def wanted_table(table: str, found: Words, given: Mapping[str, str], form: str) -> Wanted:
    """Return what they want of a table. Raises `ConfigurationError` with every mistake."""
    problems = list(found.problems)
    if found.read is not None:
        problems.append(Problem(f'"{found.read}"', "a read or a table, not both", key="READ"))
    problems += [Problem(option, "no parameter: a table has none", key=option) for option in found.options]
    if form not in FORMATS:
        problems.append(Problem(f'"{form}"', f"one of {', '.join(FORMATS)}", key="--format"))
    scope = table_scope(given, problems)
    return Wanted(None, table, scope, FORMATS[form])


async def write(address: Address, settings: Settings, wanted: Wanted, output: Path | None, *, force: bool) -> str:
    """Write it, and return what to say of that: how many rows, and where to.

    Raise `ConfigurationError` for a file that is there, unless it may be replaced, and what the export raises.
    """
    async with _begun(address, settings, wanted) as (export, scope):
        name = Path(file_name(wanted.name, scope, export.moment, wanted.form))
        target = _target(output, name)
        decimals = wanted.question.decimals if wanted.question is not None else "number"
        size = 0
        with _file(target, force=force) as file:
            async for chunk in export.chunks(wanted.form, decimals):
                size += file.write(chunk)
    count = export.source.count
    place = "" if target == PRINTED else f" to {target}"
    return f"{count:,} row{'' if count == 1 else 's'} written{place} ({text.bytes_(size)})"


@asynccontextmanager
async def _begun(address: Address, settings: Settings, wanted: Wanted) -> AsyncIterator[tuple[Export, Scope]]:
    stored = wanted.question is None or wanted.question.read.source == "sql"
    exports = Exports(address, "service")
    async with asking(address, settings, "export", stored=stored) as ours:
        try:
            export, scope = await _export(ours, exports, wanted)
            try:
                yield export, scope
            finally:
                await export.close()
        finally:
            await exports.close()


async def _export(ours: Asking, exports: Exports, wanted: Wanted) -> tuple[Export, Scope]:
    question = wanted.question
    if question is None:
        table = wanted.table

        async def rows(connection: Any, beat: Pulse) -> Source:
            return await of_table(connection, table, wanted.scope.resolved(beat.now))

        return await exports.begun(wanted.scope, rows, ENDLESS), wanted.scope
    scope, _ = await ours.scope(question)
    if pages(question.read) and question.read.source == "sql":
        return await exports.listing(question.read, scope, question.params, ENDLESS), scope
    answer = await ours.hub.ask(question.read, scope, question.params)
    if answer.error is not None:
        raise AITraderError(answer.error)
    return whole(of_value(question.read, question.limited(answer.value))), scope


def _target(output: Path | None, name: Path) -> Path:
    if output is None:
        return name
    return output / name if output.is_dir() else output


@contextmanager
def _file(target: Path, *, force: bool) -> Iterator[IO[bytes]]:
    """A file beside the target that takes its place when all of it is written."""
    if target == PRINTED:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if target.exists() and not force:
        raise _taken(target)
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise ConfigurationError(
            Problem(f"{target}: {error.strerror}", "a folder that can be written to", key="--output")
        ) from error
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _place(part, target, force=force)
    finally:
        part.unlink(missing_ok=True)


def _place(part: Path, target: Path, *, force: bool) -> None:
    part.chmod(0o666 & ~_umask())  # as any other file that a program writes
    if force:
        part.replace(target)
        return
    try:
        target.hardlink_to(part)  # unlike a rename it fails where somebody was quicker
    except FileExistsError:
        raise _taken(target) from None


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _taken(target: Path) -> ConfigurationError:
    return ConfigurationError(Problem(f"{target}, which is there", "another name, or --force", key="--output"))
