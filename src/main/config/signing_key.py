"""Which key signs sessions and tokens, when the user has set none?"""

import os
import re
import secrets
import stat
from pathlib import Path

from main.errors import ConfigurationError, Problem

SHORTEST_SECRET = 32
FILE = "secret_key"

_FEWEST_CHARACTERS = 10  # different ones; 32 random hexadecimal digits have fewer only once in 2,000 draws
_PLACEHOLDERS = re.compile(r"(change|replace)[-_ ]?(me|this)|your[-_ ]|secret|placeholder|example|password|insecure")


def is_weak(secret: str) -> bool:
    """Tell whether a key is too short, hardly varies, or is left over from an example."""
    too_simple = len(secret) < SHORTEST_SECRET or len(set(secret)) < _FEWEST_CHARACTERS
    return too_simple or _PLACEHOLDERS.search(secret.casefold()) is not None


def kept_key(folder: Path) -> str:
    """Return the key kept in `folder`, readable by its owner only; the first caller makes it.

    Raises ConfigurationError when it can neither be read nor written, others can read it, or it is weak.
    """
    path = folder / FILE
    try:
        if not path.exists():
            _make(path)
        open_to_others = stat.S_IMODE(path.stat().st_mode) & 0o077
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _refused(path, str(error), "a file this user can read, or make") from error
    if open_to_others:
        raise _refused(path, f"mode {open_to_others:o} for others", "mode 600", f"chmod 600 {path}, or remove it")
    if is_weak(key):
        raise _refused(path, "a weak key", f"at least {SHORTEST_SECRET} random characters", "remove the file")
    return key


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{FILE}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
        # A link fails where the name exists: of several processes that start together, all keep the first one's key.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _refused(path: Path, got: str, expected: str, hint: str = "") -> ConfigurationError:
    remedy = "; ".join(part for part in (hint, "or set SECRET_KEY") if part)
    return ConfigurationError(Problem(got, expected, key="SECRET_KEY", file=str(path), hint=remedy))
