"""How does a process write its log: one JSON line per event, or readable lines for a person at a terminal."""

import logging
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from main.telemetry.event_line import Stamps, json_line, spelled
from main.telemetry.inert import inert, inert_lines
from main.telemetry.redaction import MASK, Redactor, is_secret_name
from main.telemetry.rotation import RotatingFile
from main.telemetry.standard_stream import StandardStream

Style = Literal["json", "console"]
Place = Callable[[bytes], None]

_person_stamp = structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False)
_QUIET = ("asyncio", "uvicorn.access", "uvicorn.error", "websockets", "ccxt", "urllib3")
"""Libraries that report every connection at INFO: one event, one line, on transitions rather than on every tick."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Logged:
    """What this process has logged: events by level, and where the lines go."""

    events: Counter[str] = field(default_factory=Counter)
    files: list[RotatingFile] = field(default_factory=list)
    stream: StandardStream | None = None  # None before `configure`: a program that has us inside owns its output
    listened_to: bool = False

    @property
    def lost(self) -> dict[str, int]:
        """Lines that a place did not take, by place: file, stream."""
        found: dict[str, int] = {}
        if self.files:
            found["file"] = sum(file.lost for file in self.files)
        if self.stream is not None:
            found["stream"] = self.stream.lost
        return found

    @property
    def trouble(self) -> str | None:
        """Why a log file is not written; ``None`` while all of them are."""
        return next((f"{file.path.name}: {file.trouble}" for file in self.files if file.trouble), None)


LOGGED = Logged()
"""Logging is the process's, and so is what is known of it."""


class LogFile:
    """The log of a service, ours or a child's: the file of its name, and standard output beside it.

    Where nobody listens to that (see `configure`), only lines that the file does not take go there.
    """

    def __init__(self, log_dir: Path, service: str) -> None:
        """Name the service; the file is opened with the first line."""
        self._file = RotatingFile(log_path(log_dir, service))
        LOGGED.files.append(self._file)

    def keep(self, line: bytes) -> None:
        """Write one line to the file only."""
        self._file.write(line)

    def write(self, line: bytes) -> None:
        """Write one line, which ends in a newline; never raises."""
        self._file.write(line)
        if LOGGED.stream is not None and (LOGGED.listened_to or self._file.trouble is not None):
            LOGGED.stream.write(line)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        if self._file in LOGGED.files:
            LOGGED.files.remove(self._file)


class _LineHandler(logging.Handler):
    """Hands each event, made a line, to one place."""

    def __init__(self, formatter: logging.Formatter, place: Place, *, counted: bool) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self._place = place
        self._counted = counted

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception as error:  # noqa: BLE001  # a boundary: logging's own report would not be one line, nor masked
            told = {"event": "event could not be logged", "logger": record.name, "reason": type(error).__name__}
            line = json_line({"level": "error", **told})
        if self._counted:
            LOGGED.events[record.levelname.lower()] += 1
        self._place(line.encode("utf-8", "backslashreplace") + b"\n")


def configure(
    service: str,
    log_dir: Path | None = None,
    *,
    style: Style = "json",
    stdout: bool = True,
    secrets: Iterable[str] = (),
    level: str = "INFO",
) -> None:
    """Send every event of this process, ours and the libraries', to where logs go, with `service`, without secrets.

    Those are standard output and, with `log_dir`, the rotated file ``log_dir/dashboards/<service>.log``, one JSON line
    an event. `style="console"` is for a person: words on standard error instead of JSON on standard output. Without
    `stdout` (a process nobody listens to) JSON goes there only while the file cannot be written.
    """
    redactor = Redactor(secrets)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.format_exc_info,
        _redacting(redactor),
    ]
    LOGGED.files.clear()
    LOGGED.stream, LOGGED.listened_to = StandardStream("stdout" if style == "json" else "stderr"), stdout
    handlers = _handlers(service, shared, style, log_dir)
    logging.basicConfig(handlers=handlers, level=level, force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    _catch_uncaught(redactor)


def log_path(log_dir: Path, service: str) -> Path:
    """Return where the log of a service is: ``log_dir/dashboards/<service>.log``."""
    return log_dir / "dashboards" / f"{service}.log"


def _handlers(service: str, shared: list[Processor], style: Style, log_dir: Path | None) -> list[logging.Handler]:
    def formatter(*last: Processor) -> logging.Formatter:
        without = structlog.stdlib.ProcessorFormatter.remove_processors_meta
        return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[_origin, without, *last])

    stream: Any = LOGGED.stream
    file = LogFile(log_dir, service) if log_dir is not None else None
    as_json = formatter(_naming(service), lambda _, __, event: json_line(event))
    if style == "json":
        return [_LineHandler(as_json, file.write if file else stream.write, counted=True)]
    for_a_person = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
    )
    LOGGED.listened_to = False  # a person gets words, and no JSON among them
    words = _LineHandler(formatter(_person_stamp, _inert, for_a_person), stream.write, counted=True)
    return [words, *([_LineHandler(as_json, file.keep, counted=False)] if file else [])]


def _naming(service: str) -> Processor:
    stamps = Stamps()

    def name(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"], event["at"] = service, stamps.next()
        return event

    return name


def _origin(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    if not event["_from_structlog"]:
        event["logger"] = event["_record"].name
    return event


def _inert(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = inert_lines(value) if key == "exception" else inert(value)
    return event


def _redacting(redactor: Redactor) -> Processor:
    def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        for key, value in event.items():
            if key.startswith("_"):
                continue
            told = spelled(value)
            event[key] = MASK if is_secret_name(key) else redactor(told) if isinstance(told, str) else told
        return event

    return redact


def _catch_uncaught(redactor: Redactor) -> None:
    """Have errors that nobody catches logged, on one line and without secrets; hooks that others have set stay."""

    def in_main(kind: type[BaseException], error: BaseException, _: Any) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        _log.critical("ended by an error", exc_info=error)
        # The manager shows the last words on standard error as the reason of the end.
        StandardStream("stderr").write(inert(redactor(f"{kind.__name__}: {spelled(error)}")).encode() + b"\n")

    def in_thread(told: threading.ExceptHookArgs) -> None:
        if told.exc_value is not None and not isinstance(told.exc_value, SystemExit):
            _log.error("thread ended by an error", thread=getattr(told.thread, "name", None), exc_info=told.exc_value)

    def unraisable(told: "sys.UnraisableHookArgs") -> None:
        _log.warning("error that could not be raised", of=repr(told.object), exc_info=told.exc_value)

    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = in_main
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = in_thread
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = unraisable
