"""How do secrets stay out of everything that is written down?"""

import re
from collections.abc import Iterable

from main.config import Settings

MASK = "***"

_PATTERNS = (
    # scheme://user:password@host and scheme://:password@host (redis)
    (re.compile(r"(?P<before>\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s@/]+(?=@)", re.IGNORECASE), rf"\g<before>{MASK}"),
    # password=…, "api_key": "…", token: …, and the same in capitals and with a prefix (DB_PASSWORD=…)
    (
        re.compile(
            r"(?P<before>\b\w*(?:passwords?|passwd|pwd|secret(?:[_-]?key)?|api[_-]?key|token)[\"']?\s*[=:]\s*)"
            r"(?P<quote>[\"']?)(?!\*\*\*)[^\s\"',;&}]+(?P=quote)",
            re.IGNORECASE,
        ),
        rf"\g<before>\g<quote>{MASK}\g<quote>",
    ),
    (re.compile(r"(?P<before>\bbearer\s+)[\w.~+/=-]{8,}", re.IGNORECASE), rf"\g<before>{MASK}"),
)
_SECRET_NAME = re.compile(r"passw(or)?d|pwd|secret|api[_-]?key|token|credential", re.IGNORECASE)
_SHORTEST = 4  # masking shorter values would black out ordinary words


class Redactor:
    """Masks what looks like a secret, and the secrets this process knows wherever they stand."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        """Take the secrets themselves; those of fewer than four characters are left to the patterns."""
        self._known = sorted({secret for secret in known if len(secret) >= _SHORTEST}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return `text` with every secret replaced by ``***``."""
        for secret in self._known:
            text = text.replace(secret, MASK)
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
    return tuple(value.get_secret_value() for value in values if value is not None)
