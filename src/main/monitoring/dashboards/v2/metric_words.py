"""How is a named value written, and how does an address say which one is meant?"""

from urllib.parse import quote, unquote

from main import text

_PARTS = 3


def told(value: text.Number | None, unit: str) -> str:
    """Write a value with its unit: a fraction as per cent, seconds and bytes as such, else the number and the unit."""
    if unit == "fraction":
        return text.percent(value)
    if unit in ("seconds", "s"):
        return text.latency(value)
    if unit == "bytes":
        return text.bytes_(value)
    return f"{text.quantity(value)} {unit}".rstrip()


def written(account: str | None, source: str, name: str) -> str:
    """Return what stands for one named value in an address; names may hold anything."""
    return "/".join(quote(part, safe="") for part in (account or "", source, name))


def read(key: str) -> tuple[str | None, str, str]:
    """Return account, source and name of what `written` wrote. Raise ``ValueError`` for anything else."""
    parts = [unquote(part) for part in key.split("/")]
    if len(parts) != _PARTS:
        raise ValueError(f'metric: got "{key[:80]}", expected ACCOUNT/SOURCE/NAME as the list of metrics writes it')
    return parts[0] or None, parts[1], parts[2]
