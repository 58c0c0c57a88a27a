"""`catscale init`: from a folder of text to a commented configuration."""

import os
from pathlib import Path

from catscale.data.corpus_config import STDIN
from catscale.errors import ConfigError
from catscale.run.starting.document import write_document
from catscale.run.starting.first_settings import choose_settings
from catscale.run.starting.folder_content import FolderContent, look_into
from catscale.run.starting.language_tags import choose_tags, read_tags
from catscale.run.starting.new_model import write_new_model
from catscale.run.starting.pretrained_model import write_pretrained
from catscale.settings.location import VARIABLE
from catscale.system.console.messages import Say
from catscale.system.console.numbers import count_things
from catscale.system.writing.files import write_text

LONGEST_DEV = 500
"""Dev pairs of a direction that `data.holdout` makes."""


def init(folder: Path, out: Path, say: Say, pretrained: Path | None = None) -> Path:
    """Write a commented configuration for a folder of text.

    Args:
        folder: The folder, as the configuration will name it.
        out: The file to write, which must not be there.
        say: Receives plain lines.
        pretrained: The folder of a model to start from; None for a new one.

    Returns:
        The file.

    Raises:
        ConfigError: If the file is there, a folder has a name that no configuration can hold, or the model's folder
            no tokenizer.
        DataError: If the folder holds nothing that can be read.
    """
    check_place(out)
    for path in (folder, *([] if pretrained is None else [pretrained])):
        check_name(path)
    tags = None if pretrained is None else read_tags(pretrained)
    say(f"looking into {folder} …")
    content = look_into(folder)
    for direction, why in content.unreadable.items():
        say(f"{direction} is left out, since its train files cannot be read: {why}")
    chosen = choose_settings(content.volume, count_dev(content), is_pretrained=pretrained is not None)
    formats = ", ".join(dict.fromkeys(str(part.format) for part in content.parts.parts))
    number = count_things(len(content.directions), "direction")
    say(f"{folder}: {formats}; {content.volume.total:,} train pairs in {number}")
    check_place(out)  # again: counting may have taken minutes
    if pretrained is None or tags is None:
        model, added = write_new_model(chosen, content.volume), list[str]()
    else:
        found = choose_tags(content.languages, tags)
        model, added = write_pretrained(pretrained, found, chosen), list(found.new)
    write_text(out, write_document(content, chosen, str(out), model, added))
    return out


def check_place(out: Path) -> None:
    """Refuse a file that is there: a configuration that somebody changed is not made again.

    Raises:
        ConfigError: If something has that name.
    """
    if os.path.lexists(out):
        raise ConfigError(f"{out} is there already, and is not overwritten; choose another name with --out, or move it")


def check_name(folder: Path) -> None:
    """Refuse a folder whose name a configuration would take for a variable, or for standard input.

    Raises:
        ConfigError: If it would.
    """
    if folder == STDIN:
        raise ConfigError(f"{folder} is standard input in a configuration; name the folder by its whole path")
    if found := VARIABLE.search(str(folder)):
        raise ConfigError(
            f"the folder {folder} has {found[0]!r} in its name, which a configuration takes for an environment "
            "variable; rename it, or name it by another path"
        )


def count_dev(content: FolderContent) -> int:
    """Count the dev pairs of all directions: those of files, and those that `data.holdout` will make."""
    made = (min(LONGEST_DEV, content.volume.pairs[d] // 10) for d in content.lacking["dev"])
    return content.held_out + sum(made)
