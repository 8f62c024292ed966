"""How is a value that the models refuse told to the user: where it stands, what it is, what was expected?"""

from collections.abc import Iterator, Mapping
from types import NoneType
from typing import Any, get_args

from pydantic import BaseModel, SecretStr, ValidationError

from main.config import kinds
from main.config.database_url import masked
from main.config.provenance import Key, Layer, Origin, dotted, nearest_origin, origin_of
from main.errors import Problem, did_you_mean


def problems_of(error: ValidationError, model: type[BaseModel], layers: tuple[Layer, ...]) -> Iterator[Problem]:
    """Yield one problem for each error, at the line or variable that it comes from."""
    for details in error.errors(include_url=False):
        key = details["loc"]
        origin = nearest_origin(key, layers) or Origin("")
        if details["type"] == "extra_forbidden":
            yield _unknown_key(key, origin, model)
        else:
            got = _got(key, details["type"], details["input"], model)
            yield origin.problem(got, _expected(key, details, model), key=dotted(key), hint=_hint(details["input"]))


def port_clashes(values: Mapping[str, Any], model: type[BaseModel], layers: tuple[Layer, ...]) -> Iterator[Problem]:
    """Yield a problem for every port of ours that an earlier setting has too, also where other settings are wrong."""
    taken: dict[int, Key] = {}
    for key, port in _ports(values, model):
        first = taken.setdefault(port, key)
        if first != key:
            # Blame the one that somebody wrote; of two such, the later.
            blamed, other = (key, first) if origin_of(key, layers) or not origin_of(first, layers) else (first, key)
            origin = nearest_origin(blamed, layers) or Origin("default")
            yield origin.problem(str(port), f"a port of its own ({dotted(other)} has it)", key=dotted(blamed))


def told_twice(values: Mapping[str, Any], layers: tuple[Layer, ...], section: str, identity: str) -> Iterator[Problem]:
    """Yield a problem for every entry of a list whose identity an earlier one has: it would never be read."""
    listed = values.get(section)
    seen: set[object] = set()
    for number, entry in enumerate(listed if isinstance(listed, list | tuple) else ()):
        name = entry.get(identity) if isinstance(entry, Mapping) else None
        if isinstance(name, str) and name in seen:
            key: Key = (section, number, identity)
            origin = nearest_origin(key, layers) or Origin("")
            article = "an" if identity[0] in "aeiou" else "a"
            yield origin.problem(name, f"{article} {identity} of its own (an entry above has it)", key=dotted(key))
        seen.add(name if isinstance(name, str) else None)


def setting_keys(model: type[BaseModel], above: Key = ()) -> Iterator[Key]:
    """Yield the key of every setting and section, those of list items without their index."""
    for name, field in model.model_fields.items():
        yield (*above, name)
        section = _model(field.annotation)
        if section is not None:
            yield from setting_keys(section, (*above, name))


def _ports(values: Mapping[str, Any], model: type[BaseModel], above: Key = ()) -> Iterator[tuple[Key, int]]:
    for name, field in model.model_fields.items():
        stated = values.get(name)
        section = _model(field.annotation)
        if section is not None and (*above, name) != ("database",):  # its port is another machine's
            yield from _ports(stated if isinstance(stated, Mapping) else {}, section, (*above, name))
        elif name in {"port", "health_port"} and above != ("database",):
            port = str(field.default if stated is None else stated)
            if port.isdecimal():
                yield (*above, name), int(port)


def _unknown_key(key: Key, origin: Origin, model: type[BaseModel]) -> Problem:
    name = str(key[-1])
    siblings = tuple(_section(key[:-1], model).model_fields)
    elsewhere = [dotted(each) for each in setting_keys(model) if each[-1] == name]
    hint = did_you_mean(name, siblings) or (f'did you mean "{elsewhere[0]}"?' if elsewhere else "")
    expected = f"one of {', '.join(siblings)}" if siblings else "nothing: this version reads no key here"
    return origin.problem("an unknown key", expected, key=dotted(key), hint=hint)


def _expected(key: Key, details: Mapping[str, Any], model: type[BaseModel]) -> str:
    match details["type"]:
        case kinds.EXPECTED:
            return str(details["msg"])
        case "missing":
            return "a value, because nothing can be assumed"
        case "tuple_type":
            return "a list"
        case "dict_type":
            return "a section of names and values"
        case "model_type":
            return f"a section with the keys {', '.join(_section(key, model).model_fields)}"
        case _:
            return str(details["msg"])


def _got(key: Key, kind: str, value: object, model: type[BaseModel]) -> str:
    if kind == "missing":
        return "nothing"
    return "a value that is not shown" if _is_secret(key, model) else _written(value)


def _written(value: object) -> str:
    match value:
        case Mapping():
            return "a section"
        case list() | tuple():
            return "a list"
        case bool():
            return "true" if value else "false"
        case str():
            shown = masked(value)
            return f'"{shown if len(shown) <= 60 else shown[:57] + "..."}"'
        case _:
            return str(value)


def _hint(value: object) -> str:
    if isinstance(value, str) and value.startswith("tcp://"):
        return "Kubernetes sets this variable for a service of that name; say enableServiceLinks: false"
    return ""


def _section(key: Key, model: type[BaseModel]) -> type[BaseModel]:
    for part in key:
        if isinstance(part, str) and part in model.model_fields:
            model = _model(model.model_fields[part].annotation) or model
    return model


def _is_secret(key: Key, model: type[BaseModel]) -> bool:
    field = _section(key[:-1], model).model_fields.get(str(key[-1])) if key else None
    return field is not None and SecretStr in (field.annotation, *_arguments(field.annotation))


def _model(annotation: object) -> type[BaseModel] | None:
    candidates = (annotation, *_arguments(annotation))
    return next((each for each in candidates if isinstance(each, type) and issubclass(each, BaseModel)), None)


def _arguments(annotation: object) -> Iterator[object]:
    # Optional[Annotated[X, …]] and tuple[X, …] both lead to X.
    for argument in get_args(annotation):
        if argument not in (NoneType, Ellipsis):
            yield argument
            yield from _arguments(argument)
