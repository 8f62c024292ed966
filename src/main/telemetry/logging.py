"""How does a process write its log: one JSON line per event, or readable lines for a person at a terminal."""

import logging
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from main.telemetry.redaction import MASK, Redactor, is_secret_name
from main.telemetry.rotation import RotatingFile

Style = Literal["json", "console"]

_stamp = structlog.processors.TimeStamper(fmt="iso", utc=True, key="at")
_person_stamp = structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False)
_QUIET = ("asyncio", "uvicorn.access", "uvicorn.error", "websockets", "ccxt", "urllib3")
"""Libraries that report every connection at INFO: one event, one line, on transitions rather than on every tick."""


class _FileHandler(logging.Handler):
    def __init__(self, file: RotatingFile) -> None:
        super().__init__()
        self._file = file

    def emit(self, record: logging.LogRecord) -> None:
        self._file.write((self.format(record) + "\n").encode(errors="replace"))

    def close(self) -> None:
        self._file.close()
        super().close()


def configure(
    service: str,
    log_dir: Path | None = None,
    *,
    style: Style = "json",
    secrets: Iterable[str] = (),
    level: str = "INFO",
) -> None:
    """Send every event of this process, ours and the libraries', to one place, with `service` and without secrets.

    With `log_dir` that is the rotated file ``log_dir/dashboards/<service>.log``; without, standard output, which the
    manager catches from its children. `style="console"` is for a person: no service, no date, standard error.
    """
    redactor = Redactor(secrets)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        *([_stamp, _naming(service)] if style == "json" else [_person_stamp]),
        structlog.processors.format_exc_info,
        _redacting(redactor),
    ]
    handler = _handler(service, log_dir, style)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(style)],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def log_path(log_dir: Path, service: str) -> Path:
    """Return where the log of a service is: ``log_dir/dashboards/<service>.log``."""
    return log_dir / "dashboards" / f"{service}.log"


def _handler(service: str, log_dir: Path | None, style: Style) -> logging.Handler:
    if log_dir is not None:
        return _FileHandler(RotatingFile(log_path(log_dir, service)))
    return logging.StreamHandler(sys.stderr if style == "console" else sys.stdout)


def _renderer(style: Style) -> Processor:
    if style == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
    )


def _naming(service: str) -> Processor:
    def name(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return name


def _redacting(redactor: Redactor) -> Processor:
    def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        for key, value in event.items():
            if isinstance(value, str):
                event[key] = MASK if is_secret_name(key) else redactor(value)
            elif isinstance(value, BaseException | dict | list | tuple):
                event[key] = MASK if is_secret_name(key) else redactor(str(value))
        return event

    return redact
