"""How is it made sure that no child outlives its manager, whatever kills the manager?"""

import contextlib
import itertools
import os
import secrets
import signal
import subprocess
from typing import Self

import psutil
import structlog

from main.telemetry.orphans import SUPERVISOR

_log = structlog.get_logger(__name__)

MARK = "AI_TRADER_SERVICE_RUN"
"""The variable by which everything is known that a child started, also what left its session and its process group."""

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
    [ -z "$alive" ] && break
    sleep 0.1
    left=$((left - 1))
done
for group in $groups; do kill -s KILL -- "-$group"; done
for turn in 1 2 3; do
    files=$(grep -lsF -- "$1" /proc/[0-9]*/environ)
    [ -z "$files" ] && exit 0
    for file in $files; do pid=${file#/proc/}; kill -s KILL "${pid%/environ}"; done
done
"""
"""A child can end itself only while it is able to run; this shell of one megabyte also ends hung and strayed ones."""


class Lifeline:
    """A pipe that only this process holds open; its end tells every child, and a sentinel that kills what remains."""

    def __init__(self) -> None:
        """Make the pipe and start the sentinel."""
        self.descriptor, self._held = os.pipe()
        self._run = secrets.token_hex(8)
        self._numbers = itertools.count(1)
        self._groups: set[int] = set()
        self._sentinel: subprocess.Popen[bytes] | None = None
        self._post_sentinel()

    def next_mark(self) -> str:
        """Return a mark that no other child bears."""
        return f"{self._run}:{next(self._numbers)};"

    def environment(self, mark: str) -> dict[str, str]:
        """What a child needs to know for `main.telemetry.orphans.die_with_parent`; what it starts inherits the mark."""
        return {SUPERVISOR: f"{os.getpid()}:{self.descriptor}", MARK: mark}

    def hold(self, group: int) -> None:
        """Have the process group ended when this process is gone."""
        self._groups.add(group)
        self._tell(f"+ {group}")

    def let_go(self, group: int) -> None:
        """Forget a process group, all of which has ended."""
        self._groups.discard(group)
        self._tell(f"- {group}")

    def renew(self) -> None:
        """Post another sentinel when somebody killed the last. Cheap: call it often."""
        if self._sentinel is None or self._sentinel.poll() is None:
            return
        _log.warning("the sentinel is gone, posting another", exit_code=self._sentinel.returncode)
        if self._sentinel.stdin is not None:
            self._sentinel.stdin.close()
        self._post_sentinel()
        self._tell(*(f"+ {each}" for each in sorted(self._groups)))

    def close(self, within: float = 7.0) -> None:
        """Dismiss the sentinel, for which `within` seconds are waited; children that still run would be ended now."""
        for descriptor in (self._held, self.descriptor):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        if self._sentinel is not None and self._sentinel.stdin is not None:
            self._sentinel.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._sentinel.wait(timeout=within)
            self._sentinel = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _post_sentinel(self) -> None:
        try:
            self._sentinel = subprocess.Popen(
                ["/bin/sh", "-c", _SENTINEL, "sentinel", f"{MARK}={self._run}:"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,
                env={"PATH": "/usr/bin:/bin"},
            )
        except OSError as error:
            self._sentinel = None
            _log.warning("no sentinel: hung children may outlive a killed manager", reason=str(error))

    def _tell(self, *words: str) -> None:
        if self._sentinel is not None and self._sentinel.stdin is not None:
            with contextlib.suppress(OSError):  # somebody has just killed it: `renew` sees that
                self._sentinel.stdin.write("".join(f"{word}\n" for word in words).encode())


def kill_marked(mark: str) -> None:
    """Kill every process that bears the mark, whatever session it is in and whoever is its parent now."""
    for _ in range(3):  # one may start another while we look
        found = [pid for pid in psutil.pids() if pid != os.getpid() and _mark_of(pid) == mark]
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if not found:
            return


def _mark_of(pid: int) -> str | None:
    try:
        return psutil.Process(pid).environ().get(MARK)
    except (psutil.Error, OSError):
        return None
