"""What did a check see, is that well, and what mends it?"""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a finding is: SKIP was not looked at, and says why."""

    PASS = "PASS"  # noqa: S105  # no password
    WARN = "WARN"
    FAIL = "FAIL"
    SKIP = "SKIP"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the diagnosis. ``fix`` is a command or a setting; only what is well, or was skipped, may lack one."""

    check: str
    state: State
    seen: str
    fix: str = ""

    def __post_init__(self) -> None:
        if self.state in (State.WARN, State.FAIL) and not self.fix:
            raise ValueError(f"{self.check}: a finding that is not well must say what mends it")


def passed(check: str, seen: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(check, State.PASS, seen)


def warned(check: str, seen: str, fix: str) -> Finding:
    """Return a finding that something will hurt before long, or hurts little."""
    return Finding(check, State.WARN, seen, fix)


def failed(check: str, seen: str, fix: str) -> Finding:
    """Return a finding that something does not work."""
    return Finding(check, State.FAIL, seen, fix)


def skipped(check: str, seen: str, fix: str = "") -> Finding:
    """Return that something was not looked at, and why."""
    return Finding(check, State.SKIP, seen, fix)
