"""What does a log keep of what a child writes: its events as they are, and all else as events of their own."""

from typing import Protocol

from main.telemetry.event_line import Stamps, event_of, json_line
from main.telemetry.inert import inert_json

_TRACEBACK = "Traceback (most recent call last):"
_JOINTS = ("During handling of the above exception", "The above exception was the direct cause")
_MOST_LINES = 200

_stamps = Stamps()


def log_line(service: str, text: str, is_error: bool) -> bytes:
    """Return a line (or a traceback) of a child's output as one line of its log, with its newline.

    `text` has been redacted; `is_error`: it came from standard error.
    """
    event = event_of(text)
    if event is None:
        level, stream = ("error", "stderr") if is_error else ("info", "stdout")
        event = {"level": level, "event": text, "stream": stream}
    elif {"at", "level", "service"} <= event.keys():
        return _ended(inert_json(text))
    return _ended(json_line({"at": _stamps.next(), "level": "info", "service": service} | event))


def told_plainly(text: str) -> str:
    """Return what a person is shown of a line: of an event of a JSON log its words, else the line itself."""
    event = event_of(text)
    if event is None:
        return text
    error = str(event.get("exception") or "").strip().rpartition("\n")[2]
    return f"{event['event']}: {error}" if error else str(event["event"])


class Place(Protocol):
    """What takes the lines of a log; `main.telemetry.logging.LogFile` does."""

    def write(self, line: bytes) -> None:
        """Take one line, which ends in a newline."""
        ...

    def close(self) -> None:
        """Take no more."""
        ...


class ChildLog:
    """The log of one child. The lines of a traceback are one event; it is written when its last line has come."""

    def __init__(self, service: str, place: Place) -> None:
        """Name the child and where its lines go."""
        self._service = service
        self._place = place
        self._traceback: list[str] = []

    def __call__(self, text: str, is_error: bool = True) -> None:
        """Take one redacted line of its output, without its newline.

        Of a line that is no event it may not be known where it was written: our children write events to standard
        output, and all else is an error's.
        """
        if is_error and (self._traceback or _begins(text)):
            self._join(text)
        else:
            self._place.write(log_line(self._service, text, is_error))

    def close(self) -> None:
        """Write what is left of a traceback that was cut short, and close its file."""
        self._finish()
        self._place.close()

    def _finish(self) -> None:
        if self._traceback:
            lines, self._traceback = self._traceback, []
            self._place.write(log_line(self._service, "\n".join(lines), True))

    def _join(self, text: str) -> None:
        if event_of(text) is not None:  # another event: nothing more will come of the traceback
            self._finish()
            self._place.write(log_line(self._service, text, True))
            return
        self._traceback.append(text)
        inside = text.startswith((" ", "\t")) or _begins(text)
        if not inside or len(self._traceback) >= _MOST_LINES:
            self._finish()


def _begins(text: str) -> bool:
    return text.strip() == _TRACEBACK or text.startswith(_JOINTS)


def _ended(line: str) -> bytes:
    return line.encode("utf-8", "backslashreplace") + b"\n"
