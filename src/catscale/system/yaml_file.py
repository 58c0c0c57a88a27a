"""Reading a YAML file of ours, in which no key stands twice."""

from pathlib import Path
from typing import Any

import yaml

from catscale.errors import ConfigError

BAD_YAML = (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What PyYAML raises: its own errors for bad syntax, others for values such as `!!int x`, 2020-13-45 or a deep nest."""


class _UniqueKeys(yaml.SafeLoader):
    """YAML in which no key stands twice: PyYAML would keep the last value and say nothing."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and (key.tag, key.value) in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value!r} stands twice", problem_mark=key.start_mark)
            seen.add((key.tag, str(key.value)))
        return super().construct_mapping(node, deep)


def read_yaml(path: Path, what: str = "configuration", keys: str = "data: and training:") -> dict[str, Any]:
    """The content of a YAML file.

    Args:
        path: The file.
        what: What it is, for messages.
        keys: Keys that it would hold, for messages.

    Raises:
        ConfigError: If it cannot be read, holds no keys, or the same key twice.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _UniqueKeys)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the {what} {path}: {error}; check the path") from error
    except BAD_YAML as error:
        raise ConfigError(f"{path} is not valid YAML: {error}; correct it") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path} must hold keys such as {keys}, found {type(content).__name__}")
    return content
