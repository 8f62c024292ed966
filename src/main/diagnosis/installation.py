"""Is the program installed as it was locked, and which optional parts are there?"""

import platform
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

from main.diagnosis.finding import Finding, failed, passed, skipped, warned
from main.diagnosis.situation import Situation

LOCKED = Path(__file__).resolve().parents[3] / "requirements.txt"
OLDEST = (3, 11)
EXTRAS = {"alpaca": ("alpaca-py", "trading at Alpaca"), "ccxt": ("ccxt", "live prices of crypto exchanges")}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)\s*(;?)", re.MULTILINE)
_SHOWN = 4


def python(_: Situation) -> list[Finding]:
    """Look at the interpreter."""
    version = platform.python_version()
    if sys.version_info[:2] < OLDEST:
        return [failed("Python", version, "install Python 3.11 or newer, then: make setup")]
    return [passed("Python", f"{version} at {sys.executable}")]


def packages(_: Situation, locked: Path = LOCKED) -> list[Finding]:
    """Compare the libraries installed with the locked versions."""
    try:
        pinned = pinned_in(locked.read_text(encoding="utf-8"))
    except OSError:
        return [skipped("packages", "no requirements.txt beside this installation to compare with")]
    installed = {_canonical(each.name): each.version for each in metadata.distributions()}
    wrong = _differences(pinned, installed)
    missing = [text for text, gone in wrong if gone]
    if missing:
        return [failed("packages", f"missing: {_some(missing)}", "make setup")]
    if wrong:
        return [warned("packages", f"not as locked: {_some([text for text, _ in wrong])}", "make setup")]
    return [passed("packages", f"{len(pinned)} libraries as locked")]


def extras(_: Situation) -> list[Finding]:
    """Look for what is optional."""
    found = []
    for extra, (distribution, purpose) in EXTRAS.items():
        try:
            found.append(passed(f"extra {extra}", f"{distribution} {metadata.version(distribution)}"))
        except metadata.PackageNotFoundError:
            fix = f".venv/bin/python -m pip install --editable '.[{extra}]'"
            found.append(skipped(f"extra {extra}", f"not installed; only for {purpose}", fix))
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is not None:
        return [*found, passed("browser", browser)]
    return [*found, skipped("browser", "no Chromium on the path; only the tests need one", "make test brings its own")]


def pinned_in(text: str) -> dict[str, tuple[set[str], bool]]:
    """Return, by package, the versions that a lock file allows and whether every system needs it."""
    pinned: dict[str, tuple[set[str], bool]] = {}
    for name, version, marker in _PINNED.findall(text):
        versions, everywhere = pinned.get(_canonical(name), (set(), True))
        pinned[_canonical(name)] = (versions | {version}, everywhere and not marker)
    return pinned


def _differences(pinned: Mapping[str, tuple[set[str], bool]], installed: Mapping[str, str]) -> list[tuple[str, bool]]:
    """Return what differs in words, and whether it is missing altogether."""
    wrong = []
    for name, (versions, everywhere) in pinned.items():
        there = installed.get(name)
        if there is None and everywhere:
            wrong.append((name, True))
        elif there is not None and there not in versions:
            wrong.append((f"{name} {there} (locked {' or '.join(sorted(versions))})", False))
    return wrong


def _some(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
