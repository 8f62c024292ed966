"""How is it made sure that no child outlives its manager, whatever kills the manager?"""

import contextlib
import os
import subprocess
from typing import Self

import structlog

from main.telemetry.orphans import SUPERVISOR

_log = structlog.get_logger(__name__)

_SENTINEL = """
trap '' HUP INT TERM
groups=' '
while read -r sign group; do
    case $sign in
        +) groups="$groups$group " ;;
        -) groups="${groups%% $group *} ${groups#* $group }" ;;
    esac
done
for group in $groups; do kill -s TERM -- "-$group"; kill -s CONT -- "-$group"; done
left=50
while [ $left -gt 0 ]; do
    alive=
    for group in $groups; do kill -s 0 -- "-$group" && alive=yes; done
    [ -z "$alive" ] && exit 0
    sleep 0.1
    left=$((left - 1))
done
for group in $groups; do kill -s KILL -- "-$group"; done
"""
"""A child can end itself only while it is able to run; this shell of one megabyte also ends hung ones."""


class Lifeline:
    """A pipe that only this process holds open; its end tells every child, and a sentinel that kills what remains."""

    def __init__(self) -> None:
        """Make the pipe and start the sentinel."""
        self.descriptor, self._held = os.pipe()
        self._sentinel: subprocess.Popen[bytes] | None = None
        try:
            self._sentinel = subprocess.Popen(
                ["/bin/sh", "-c", _SENTINEL],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,
                env={"PATH": "/usr/bin:/bin"},
            )
        except OSError as error:
            _log.warning("no sentinel: hung children may outlive a killed manager", reason=str(error))

    @property
    def environment(self) -> dict[str, str]:
        """What a child needs to know; `main.telemetry.orphans.die_with_parent` reads it."""
        return {SUPERVISOR: f"{os.getpid()}:{self.descriptor}"}

    def hold(self, group: int) -> None:
        """Have the process group ended when this process is gone."""
        self._tell("+", group)

    def let_go(self, group: int) -> None:
        """Forget a process group, all of which has ended."""
        self._tell("-", group)

    def close(self) -> None:
        """Dismiss the sentinel; children that still run would be ended now."""
        for descriptor in (self._held, self.descriptor):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        if self._sentinel is not None and self._sentinel.stdin is not None:
            self._sentinel.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._sentinel.wait(timeout=7)
            self._sentinel = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _tell(self, sign: str, group: int) -> None:
        if self._sentinel is not None and self._sentinel.stdin is not None:
            with contextlib.suppress(OSError):  # somebody killed the sentinel: the pipe and the kernel still watch
                self._sentinel.stdin.write(f"{sign} {group}\n".encode())
