"""Glances, another monitor of machines, in a virtual environment of its own: installed, started, and stopped."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.running import fetch, free_ports, until

REQUIREMENT = "glances[web]==4.5.8"
PATH = "/api/4/all"
_QUIETLY = ("--disable-autodiscover", "--disable-check-update")


class NotInstalled(Exception):
    """It could not be had here."""


def installed(folder: Path) -> Path:
    """Return the command of a fresh installation. Raises NotInstalled, with the installer's last words."""
    venv = folder / "venv"
    commands = (
        (sys.executable, "-m", "venv", str(venv)),
        (str(venv / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", REQUIREMENT),
    )
    for command in commands:
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotInstalled(type(error).__name__) from error
        if done.returncode:
            raise NotInstalled((done.stderr.strip().splitlines() or ["no reason given"])[-1])
    return venv / "bin" / "glances"


@contextlib.contextmanager
def serving(command: Path, folder: Path) -> Iterator[tuple[int, int]]:
    """Run `glances -w` on this machine alone; give its port and its process once it has sampled twice."""
    port = free_ports(1)[0]
    with (folder / "glances.txt").open("w") as output:
        process = subprocess.Popen(
            [
                str(command),
                "-w",
                "-B",
                "127.0.0.1",
                "-p",
                str(port),
                "--disable-autodiscover",
                "--disable-check-update",
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            until(lambda: fetch(f"http://127.0.0.1:{port}{PATH}")[0] == 200, 30, "glances answers")
            time.sleep(5)
            yield port, process.pid
        finally:
            process.terminate()
            process.wait(10)
