"""What does the YAML file say, and on which line?"""

from pathlib import Path

import yaml

from main.config.provenance import Key, Layer, Origin, dotted
from main.errors import Problem

_MOST_VALUES = 10_000  # aliases of aliases multiply


def yaml_layer(path: Path, name: str) -> Layer:
    """Read a file; `name` is what messages call it. Mistakes of YAML itself come back as the layer's problems."""
    place = Origin(name)
    try:
        text = path.read_text(encoding="utf-8")
        reader = _Reader(name)
        return reader.layer(text)
    except (OSError, UnicodeDecodeError) as error:
        got = (error.strerror or str(error)) if isinstance(error, OSError) else "bytes that are not UTF-8"
        return Layer(problems=(place.problem(got, "a readable YAML file"),))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        return Layer(problems=(Origin(name, line).problem(error.problem or "no YAML", "valid YAML"),))
    except RecursionError:  # an alias inside its own anchor has no bottom
        return Layer(problems=(place.problem("lists or sections without end inside each other", "valid YAML"),))
    except (yaml.YAMLError, ValueError) as error:
        return Layer(problems=(place.problem(" ".join(str(error).split()), "valid YAML"),))


class _Reader:
    def __init__(self, name: str) -> None:
        self.name = name
        self.origins: dict[Key, Origin] = {}
        self.problems: list[Problem] = []
        self.values = 0

    def layer(self, text: str) -> Layer:
        self.loader = yaml.SafeLoader(text)
        try:
            root = self.loader.get_single_node()
            values = None if root is None else self._value(root, ())
        finally:
            self.loader.dispose()
        if root is not None and values is not None and not isinstance(values, dict):
            word = "list" if isinstance(root, yaml.SequenceNode) else "single value"
            self._complain(root, "", f"a {word}", "sections such as dashboards: and database:")
        return Layer(values if isinstance(values, dict) else {}, self.origins, tuple(self.problems))

    def _value(self, node: yaml.Node, key: Key) -> object:
        self.values += 1
        if self.values > _MOST_VALUES:
            raise ValueError(f"more than {_MOST_VALUES} values")
        if isinstance(node, yaml.MappingNode):
            return self._section(node, key)
        if isinstance(node, yaml.SequenceNode):
            return [self._item(item, (*key, index)) for index, item in enumerate(node.value)]
        return self.loader.construct_object(node)

    def _item(self, node: yaml.Node, key: Key) -> object:
        self.origins[key] = self._origin(node)
        return self._value(node, key)

    def _section(self, node: yaml.MappingNode, key: Key) -> dict[str, object]:
        section: dict[str, object] = {}
        self._report_repeated(node, key)
        self.loader.flatten_mapping(node)  # merge keys: `<<: *defaults`
        for name_node, value_node in node.value:
            name = str(name_node.value) if isinstance(name_node, yaml.ScalarNode) else "?"
            value = self._value(value_node, (*key, name))
            if value is not None:  # a section without content, or `null`, leaves the default
                section[name] = value
                self.origins[*key, name] = self._origin(name_node)
        return section

    def _report_repeated(self, node: yaml.MappingNode, key: Key) -> None:
        first: dict[str, int] = {}
        for name_node, _ in node.value:
            name, line = str(name_node.value), name_node.start_mark.line + 1
            if name in first and name != "<<":
                self._complain(name_node, dotted((*key, name)), "the key again", f"it once (line {first[name]} has it)")
            first.setdefault(name, line)

    def _origin(self, node: yaml.Node) -> Origin:
        return Origin(self.name, node.start_mark.line + 1)

    def _complain(self, node: yaml.Node, key: str, got: str, expected: str) -> None:
        self.problems.append(self._origin(node).problem(got, expected, key=key))
