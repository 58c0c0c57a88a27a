"""The licence that a folder of somebody's model names, and the files that hold its text.

Hugging Face folders name it in the front matter of their README.md (`license: cc-by-nc-4.0`), and may have a file
LICENSE. What is trained from such a model stays under it, so a run keeps both.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from catscale.errors import ConfigError
from catscale.system.reading.regular_file import MEBIBYTE, read_regular
from catscale.system.reading.yaml_file import parse_yaml
from catscale.system.writing.files import write_bytes

CARD = "README.md"
NAMES = re.compile(r"(licen[sc]e|copying|notice|use_policy)([-_.].*)?", re.IGNORECASE)
"""Names of files that hold a licence's text or what it asks to be kept."""
FRONT = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)^---[ \t]*\r?$", re.DOTALL | re.MULTILINE)
MOST_FILES = 20
LONGEST_NAME = 200


@dataclass(frozen=True)
class Licence:
    """The licence of a model.

    Attributes:
        name: Its name as the folder's card gives it, such as "cc-by-nc-4.0"; None where it gives none.
        files: The files beside the model that hold its text.
    """

    name: str | None
    files: Sequence[Path] = ()


def read_licence(folder: Path) -> Licence:
    """Read which licence a model's folder names.

    Args:
        folder: The model's; a card that cannot be read names none.
    """
    found = [path for path in sorted(folder.iterdir()) if NAMES.fullmatch(path.name) and path.is_file()]
    return Licence(_read_name(folder / CARD), found[:MOST_FILES])


def copy_licence(licence: Licence, target: Path) -> list[str]:
    """Copy the files of a model's licence.

    Args:
        licence: The licence, as `read_licence` found it.
        target: The folder of the copies, made where there is one to copy.

    Returns:
        Their names.

    Raises:
        ConfigError: If one cannot be read, or is longer than any licence.
    """
    for path in licence.files:
        try:
            content = read_regular(path, MEBIBYTE, follow=True)
        except OSError as error:
            raise ConfigError(
                f"the licence {path} cannot be copied: {error.strerror}; it must be a file of at most 1 MiB: correct "
                "that, or move it away where it is none"
            ) from error
        write_bytes(target / path.name, content)
    return [path.name for path in licence.files]


def _read_name(card: Path) -> str | None:
    """Return the licence that the front matter of a card names."""
    try:
        match = FRONT.match(read_regular(card, MEBIBYTE, follow=True).decode())
        content = parse_yaml(match[1]) if match is not None else {}
    except (OSError, ValueError, ConfigError):
        return None
    if not isinstance(content, dict):
        return None
    name = content.get("license_name") if content.get("license") == "other" else content.get("license")
    return name if isinstance(name, str) and 0 < len(name) <= LONGEST_NAME and name.isprintable() else None
