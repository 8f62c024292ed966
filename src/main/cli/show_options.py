"""What do the words after `show` ask? A read's parameters are options of their own, and every mistake is told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo, available_timezones

from main.domain.scope import Scope
from main.errors import ConfigurationError, Problem, did_you_mean
from main.monitoring.api.parsing import Parsing
from main.monitoring.api.question import COMMON, Question, question
from main.monitoring.parameters import own_parameters
from main.monitoring.read import Read, read_named

Ask = Callable[[Read[object], Mapping[str, str]], Question]
FORMATS = ("table", "json", "csv")
OWN = ("--help", "--list", "--format", "--zone", "--param", "--config-file", "--account")
"""Options that are not parameters of a read."""

_READ_HINT = "show --list has them all"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and how its answer is to be printed; no zone is the machine's own."""

    question: Question
    format: str
    zone: ZoneInfo | None


@dataclass(frozen=True, slots=True)
class Words:
    """The words that are no option of every read: the read's name, options by parameter, and what was wrong."""

    read: str | None
    options: Mapping[str, str]
    problems: tuple[Problem, ...]


def sorted_words(words: Sequence[str]) -> Words:
    """Return the read's name, which may stand anywhere, and the options `--name VALUE` or `--name=VALUE`."""
    read: str | None = None
    options: dict[str, str] = {}
    problems: list[Problem] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word == "-":
            if read is not None:
                problems.append(Problem(f'"{word}"', "one read only", key="READ"))
            read = read or word
            continue
        name, given, value = word.partition("=")
        if not given and not rest:
            problems.append(Problem("nothing", "a value", key=name))
            continue
        options[name] = value if given else rest.pop(0)
    return Words(read, options, tuple(problems))


def asked(
    words: Words,
    common: Mapping[str, str],
    pairs: Sequence[str],
    format_: str,
    zone: str | None = None,
    *,
    formats: Sequence[str] = FORMATS,
    ask: Ask = question,
) -> Asked:
    """Return what is asked; `common` has the options of every read by parameter, `pairs` those given NAME=VALUE.

    Raises `ConfigurationError` with every mistake, and `UnknownName` for a read that there is not.
    """
    if words.read is None:
        raise ConfigurationError([Problem("nothing", "the name of a read", key="READ", hint=_READ_HINT)])
    read = read_named(words.read)
    problems = list(words.problems)
    given = dict(common)
    known = {f"--{name.replace('_', '-')}": name for name in _names(read)}
    for option, value in words.options.items():
        name = known.get(option.replace("_", "-"))
        if name is None:
            choices = (*known, *OWN)
            problems.append(
                Problem(option, f"one of {', '.join(choices)}", key=option, hint=did_you_mean(option, choices))
            )
        else:
            given[name] = value
    given |= _pairs(pairs, problems)
    chosen_zone = _zone(zone, problems)
    if format_ not in formats:
        hint = did_you_mean(format_, formats)
        problems.append(Problem(f'"{format_}"', f"one of {', '.join(formats)}", key="--format", hint=hint))
    return Asked(_question(read, given, problems, ask), format_, chosen_zone)


def table_scope(common: Mapping[str, str], problems: Sequence[Problem]) -> Scope:
    """Return what the options of every read say, where no read is asked; without a range it is all there is.

    Raises `ConfigurationError` with every mistake.
    """
    parsing = Parsing(common, (*COMMON, "accounts"))
    scope = parsing.scope("All")
    found = [*problems, *map(_as_option, parsing.problems)]
    if found:
        raise ConfigurationError(found)
    return scope


def _names(read: Read[object]) -> tuple[str, ...]:
    every = tuple(name for name in COMMON if name != "accounts")
    return tuple(dict.fromkeys((*(each.name for each in own_parameters(read) if each.name != "account"), *every)))


def _question(read: Read[object], given: Mapping[str, str], problems: list[Problem], ask: Ask) -> Question:
    """The question, unless anything at all was wrong: then everything is told, by the names of the options."""
    try:
        found = ask(read, given)
    except ConfigurationError as error:
        raise ConfigurationError([*problems, *map(_as_option, error.problems)]) from None
    if problems:
        raise ConfigurationError(problems)
    return found


def _as_option(problem: Problem) -> Problem:
    if not problem.key.isidentifier():
        return problem
    name = "account" if problem.key == "accounts" else problem.key.replace("_", "-")
    return replace(problem, key=f"--{name}")


def _pairs(pairs: Sequence[str], problems: list[Problem]) -> dict[str, str]:
    problems += [Problem(f'"{pair}"', "NAME=VALUE", key="--param") for pair in pairs if "=" not in pair]
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def _zone(name: str | None, problems: list[Problem]) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        hint = did_you_mean(name, available_timezones())
        problems.append(Problem(f'"{name}"', "a zone such as Europe/Berlin or UTC", key="--zone", hint=hint))
        return None
