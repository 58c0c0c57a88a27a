"""Folders of pre-trained models that several tests read and change."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from catscale.system.writing.files import scratch_folder
from catscale.vocabulary.pretrained.folder import BaseFolder
from tests.model.nllb_folder import write_m2m100_folder, write_nllb_folder

WRITERS: dict[str, Callable[[Path], None]] = {"nllb": write_nllb_folder, "m2m100": write_m2m100_folder}


@cache
def _files(name: str) -> dict[str, bytes]:
    with scratch_folder() as folder:
        WRITERS[name](folder)
        return {path.name: path.read_bytes() for path in folder.iterdir()}


def place(name: str, folder: Path, *names: str) -> Path:
    """Write the folder `nllb` or `m2m100`, or only some of its files."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in _files(name).items():
        if not names or file in names:
            (folder / file).write_bytes(content)
    return folder


@cache
def _content(name: str) -> str:
    with scratch_folder() as folder:
        return json.dumps(BaseFolder(place(name, folder)).content)


def content_of(name: str) -> dict[str, Any]:
    """Return the content of a folder's tokenizer, a new one each time."""
    content: dict[str, Any] = json.loads(_content(name))
    return content


def change_json(path: Path, **changes: Any) -> None:
    """Change keys of a JSON file; None drops one."""
    content = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))
