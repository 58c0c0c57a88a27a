"""Reading and writing YAML: the core schema of YAML 1.2, within limits, no key repeated.

A plain word is what it looks like in YAML 1.2 *and* in the eye of who wrote it:

    null      nothing, `~`, `null`
    a truth   `true`, `false`; `yes`, `no`, `on`, `off` are words (`no` is Norwegian)
    integer   `17`, `-3`, `0x1f`; `017`, `0o17`, `0b1`, `1_000`, `1:30` are words, which no number accepts
    number    `0.5`, `.5`, `3.`, `1e3`, `-1.5e-4`, `.inf`, `.nan`
    a word    everything else, dates among them, and every key

PyYAML itself reads YAML 1.1, in which 017 is 15, 1:30 is 90, `no` is false and 1e3 a word.
"""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from catscale.errors import ConfigError
from catscale.system.reading.regular_file import MEBIBYTE, read_regular, reason_of

SIZE = 4 * MEBIBYTE
DEPTH = 32
"""Levels of lists and mappings."""
VALUES = 200_000
"""Numbers, words, lists and mappings, those that aliases repeat counted each time."""
DIGITS = 40
"""Characters of a whole number."""
CORE = "tag:yaml.org,2002:"

PLAIN = (
    ("null", re.compile(r"~|null|Null|NULL|"), ["~", "n", "N", ""]),
    ("bool", re.compile(r"true|True|TRUE|false|False|FALSE"), list("tTfF")),
    ("int", re.compile(r"[-+]?(0|[1-9][0-9]*)|0x[0-9a-fA-F]+"), list("-+0123456789")),
    (
        "float",
        re.compile(
            r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
        ),
        list("-+0123456789."),
    ),
)
"""Tag, pattern and first characters of the plain words that are more than text."""


class _Composer(yaml.SafeLoader):
    """Makes nodes of a text, with the plain words of `PLAIN`, within `DEPTH`."""

    level = count = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.level, self.count = self.level + 1, self.count + 1
        if self.count > VALUES:
            raise _marked(f"it holds more than {VALUES:,} values", self._place())
        if self.level > DEPTH:
            raise _marked(f"it is nested too deeply, in more than {DEPTH} levels", self._place())
        try:
            return super().compose_node(parent, index)
        finally:
            self.level -= 1

    def _place(self) -> Any:
        peek: Callable[[], Any] = self.peek_event
        return peek()


_Composer.yaml_implicit_resolvers = {}  # none of YAML 1.1's


class _Dumper(yaml.SafeDumper):
    """Puts quotes around a text that YAML 1.1 or our reader would take for something else."""


def _represent_text(dumper: _Dumper, text: str) -> yaml.Node:
    breaks = set(text) & set("\r\x85\u2028\u2029\ufeff")  # which PyYAML folds into blanks outside of double quotes
    return dumper.represent_scalar(CORE + "str", text, style='"' if breaks else None)


_Dumper.add_representer(str, _represent_text)
for _tag, _pattern, _first in PLAIN:
    _whole = re.compile(rf"(?:{_pattern.pattern})\Z")
    _Composer.add_implicit_resolver(CORE + _tag, _whole, _first)
    _Dumper.add_implicit_resolver(CORE + _tag, _whole, _first)
_Dumper.add_implicit_resolver(CORE + "int", re.compile(r"[-+]?0o?[0-9]+\Z"), list("-+0"))


class _LineDumper(_Dumper):
    """Writes a value on one line: a text with a line feed or a control character is put in double quotes."""


def _represent_on_a_line(dumper: _LineDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar(CORE + "str", text, style=None if text.isprintable() else '"')


_LineDumper.add_representer(str, _represent_on_a_line)


class _Builder:
    """Makes values of nodes: each node once, so that an alias costs nothing, and a merge key as much as its keys."""

    def __init__(self) -> None:
        self._done: dict[int, tuple[Any, int]] = {}
        self._sizes: dict[int, int] = {}
        self._open: set[int] = set()
        self._merged = 0

    def build(self, node: yaml.Node) -> Any:
        """Return the value of a node."""
        return self._value(node)[0]

    def _value(self, node: yaml.Node) -> tuple[Any, int]:
        """Return the value, and the number of values that it is made of."""
        known = self._done.get(id(node))
        if known is not None:
            return known
        if id(node) in self._open:
            raise _marked("an alias stands inside of what it repeats", node)
        self._open.add(id(node))
        found: tuple[Any, int]
        match node:
            case yaml.MappingNode():
                _check_tag(node, "map")
                found = self._mapping(node)
            case yaml.SequenceNode():
                _check_tag(node, "seq")
                items = [self._value(item) for item in node.value]
                found = [value for value, _ in items], 1 + sum(size for _, size in items)
            case _:
                found = _scalar(node), 1
        if found[1] > VALUES:
            raise _marked(f"it holds more than {VALUES:,} values, those that aliases repeat counted each time", node)
        self._open.discard(id(node))
        self._done[id(node)] = found
        self._sizes[id(found[0])] = found[1] if isinstance(found[0], dict | list) else 1
        return found

    def _mapping(self, node: yaml.MappingNode) -> tuple[dict[str, Any], int]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key_node, value_node in node.value:
            value, _ = self._value(value_node)
            if key_node.tag == CORE + "str" and key_node.value == "<<" and not key_node.style:
                for other in reversed(value if isinstance(value, list) else [value]):
                    self._count_merged(other, value_node)
                    merged |= other
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                raise _marked("a key must be a word", key_node)
            key = str(key_node.value)
            if key in own:
                raise _marked(f"the key {key[:60]!r} is repeated", key_node)
            own[key] = value
        found = {**merged, **own}
        return found, 1 + sum(1 + self._sizes[id(value)] for value in found.values())

    def _count_merged(self, other: Any, node: yaml.Node) -> None:
        if not isinstance(other, dict):
            raise _marked("<< takes a mapping or a list of mappings", node)
        self._merged += len(other)
        if self._merged > VALUES:
            raise _marked(f"it merges more than {VALUES:,} keys", node)


def _scalar(node: yaml.Node) -> Any:
    """Return the value of a word, by its form or by its tag."""
    name, text = node.tag.removeprefix(CORE), str(node.value)
    pattern = next((pattern for tag, pattern, _ in PLAIN if tag == name), None)
    if name == "str" or node.tag == "!":
        return text
    if pattern is None or not node.tag.startswith(CORE):
        raise _marked(f"the tag {node.tag[:60]!r} is none of !!str, !!int, !!float, !!bool, !!null, !!map, !!seq", node)
    if not pattern.fullmatch(text):
        raise _marked(f"{text[:60]!r} is no {name}", node)
    if len(text) > DIGITS and name == "int":
        raise _marked(f"a number has {len(text):,} digits, and {DIGITS} are the most", node)
    if name == "int":
        return int(text, 16) if text.startswith("0x") else int(text)
    if name == "float":
        return _float(text)
    return None if name == "null" else text.lower() == "true"


def _float(text: str) -> float:
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


def _check_tag(node: yaml.Node, name: str) -> None:
    if node.tag not in (CORE + name, "!"):
        raise _marked(f"the tag {node.tag[:60]!r} is none of !!str, !!int, !!float, !!bool, !!null, !!map, !!seq", node)


def _marked(problem: str, place: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=place.start_mark)


def parse_yaml(text: str, name: str = "the text") -> Any:
    """Parse one YAML document.

    Args:
        text: The document.
        name: The name that messages give it beside line and column, as that of a file.

    Raises:
        ValueError: If it is no YAML, or beyond the limits, with line and column; or a key is repeated.
    """
    try:
        loader = _Composer(text)
        loader.name = name
        try:
            node = loader.get_single_node()
            return None if node is None else _Builder().build(node)
        finally:
            loader.dispose()
    except (yaml.YAMLError, LookupError, TypeError, AttributeError, RecursionError) as error:
        said = str(error) or type(error).__name__
        raise ValueError(said if len(said) <= 1000 else said[:997] + "...") from error


def read_yaml(
    path: Path, what: str = "configuration", keys: str = "data: and training:", follow: bool = True
) -> dict[str, Any]:
    """Read a YAML file.

    Args:
        path: The file.
        what: The kind of file, for messages.
        keys: Keys that it would hold, for messages.
        follow: Whether `path` may be a symbolic link, because a user named it.

    Raises:
        ConfigError: If it cannot be read, holds no keys, or the same key twice.
    """
    try:
        text = read_regular(path, SIZE, follow).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the {what} {path}: {reason_of(error)}; check the path") from error
    try:
        content = parse_yaml(text, str(path))
    except ValueError as error:
        raise ConfigError(f"{path} is not valid YAML: {error}; correct it") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path} must hold keys such as {keys}, found {type(content).__name__}")
    return content


def dump_yaml(content: Any) -> str:
    """Return plain values as YAML, which `parse_yaml` and other readers, of YAML 1.1 as well, read as the same."""
    return str(yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True))


def dump_line(content: Any) -> str:
    """Return a plain value as YAML on one line, to stand behind a key or in a list between brackets.

    Example:
        >>> dump_line("a: b"), dump_line(["no", 1]), dump_line({"path": "text"})
        ("'a: b'", "['no', 1]", '{path: text}')
    """
    listed = yaml.dump(
        [content], Dumper=_LineDumper, default_flow_style=True, sort_keys=False, allow_unicode=True, width=math.inf
    )
    return str(listed).removesuffix("\n")[1:-1]
