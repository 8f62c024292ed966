"""Where is a browser: named, on the PATH, from the distribution, or from Playwright's own store."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOW = "set CHROMIUM to a Chromium or Chrome executable, or install one (Debian: apt-get install chromium)"


@cache
def chromium() -> str:
    """Return the path of a Chromium, installing one where that is possible; fail with what to do otherwise."""
    named = os.environ.get("CHROMIUM")
    if named:
        assert Path(named).is_file(), f"CHROMIUM={named}: there is no such file; {HOW}"
        return named
    found = _on_path() or (_from_distribution() if os.geteuid() == 0 else None) or _from_playwright()
    assert found, f"no Chromium found or installable; {HOW}"
    return found


def _on_path() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def _from_distribution() -> str | None:
    if not shutil.which("apt-get"):
        return None
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "chromium", "fonts-liberation"]):
        subprocess.run(command, env=quiet, check=False, capture_output=True, timeout=600)
    return _on_path()


def _from_playwright() -> str | None:
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    if subprocess.run(command, check=False, capture_output=True, timeout=600).returncode:
        return None
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return playwright.chromium.executable_path
