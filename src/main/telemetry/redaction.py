"""How do secrets stay out of everything that is written down?"""

import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus, unquote, urlsplit

from main.config import Settings

MASK = "***"

# The value of password=…, "api_key": "…", token: …: quoted (also within a text that is quoted itself, where the quotes
# have backslashes), or bare up to where another thing begins. A quote that is never closed hides all that follows.
_VALUE = r"""
    (?: (?P<outer> \\+ (?P<within>["']) ) (?! \*\*\* ) (?: (?! \\+ (?P=within) ) . )*
      | (?P<quote> ["'] ) (?! \*\*\* ) (?: \\. | (?! (?P=quote) ) [^\\] )*
      | (?! [\\"'] | \*\*\* ) [^\s"',;&}]+
    )
"""
_NAMED = re.compile(
    r"""(?P<before> \b\w* (?: passwords? | passwd | pwd | secret (?:[_-]?key)? | api[_-]?key | token )
        \\*["']? \s*[=:]\s* )"""
    + _VALUE,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_PATTERNS = (
    # scheme://user:password@host and scheme://:password@host (redis); a password may have an @ in it. Without an end to
    # the scheme, "a.a.a…" would take a time that grows with the square of its length.
    (re.compile(r"(?P<before>\b[a-z][a-z0-9+.-]{0,30}://[^\s:/@]*:)[^\s/]+(?=@)", re.IGNORECASE), rf"\g<before>{MASK}"),
    (re.compile(r"(?P<before>\bbearer\s+)[\w.~+/=-]{8,}", re.IGNORECASE), rf"\g<before>{MASK}"),
)
_SECRET_NAME = re.compile(r"passw(or)?d|pwd|secret|api[_-]?key|token|credential", re.IGNORECASE)
_SHORTEST = 4  # masking shorter values would black out ordinary words


class Redactor:
    """Masks what looks like a secret, and the secrets this process knows wherever they stand."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        """Take the secrets themselves; those of fewer than four characters are left to the patterns."""
        forms = {form for secret in known if len(secret) >= _SHORTEST for form in _forms(secret)}
        self._known = sorted(forms, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return `text` with every secret replaced by ``***``."""
        for secret in self._known:
            text = text.replace(secret, MASK)
        text = _NAMED.sub(_masked, text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text


def is_secret_name(name: str) -> bool:
    """Tell whether a value of this name must not be shown."""
    return _SECRET_NAME.search(name) is not None


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """Return the secrets in the settings, for a `Redactor`."""
    database, alpaca = settings.database, settings.alpaca
    values = (
        *(database.password, database.direct_url, settings.secret_key, settings.redis_url),
        *(alpaca.key_id, alpaca.secret_key),
    )
    told = [value.get_secret_value() for value in values if value is not None]
    return (*told, *(password for each in told if (password := _password_in(each)) is not None))


def _password_in(address: str) -> str | None:
    """Return the password of an address such as that of the database past a pooler; ``None`` where there is none."""
    if "://" not in address:
        return None
    try:
        password = urlsplit(address).password
    except ValueError:
        return None
    return unquote(password) if password else None


def _forms(secret: str) -> Iterator[str]:
    """How a secret is spelt: as it is, in an address, in Python's and in JSON's quotes."""
    yield secret
    yield from (quote(secret), quote(secret, safe=""), quote_plus(secret))
    yield from (repr(secret)[1:-1], json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])


def _masked(found: re.Match[str]) -> str:
    opening = found["outer"] or found["quote"] or ""
    return f"{found['before']}{opening}{MASK}"
