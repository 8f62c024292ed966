"""What tests of the supervisor share: its services by name, who carries a mark, a program run for one test."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.running import ROOT, fetch

HERE = Path(__file__).parent


def status(port: int) -> dict[str, dict[str, Any]]:
    """Return the manager's services by name; empty where it does not answer."""
    code, body = fetch(f"http://127.0.0.1:{port}/status")
    return {row["service"]: row for row in json.loads(body)["services"]} if code == 200 else {}


def marked(mark: str) -> list[psutil.Process]:
    """Return the living processes with `mark` in their command line."""
    found = []
    for process in psutil.process_iter():
        try:
            if mark in " ".join(process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


@contextmanager
def program(argv: list[str], environment: dict[str, str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Python program in a session of its own; at the end it is asked to stop, then killed."""
    process = subprocess.Popen(
        [sys.executable, "-P", *argv],
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", **environment},
        start_new_session=True,
        **options,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
        process.wait(timeout=10)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
