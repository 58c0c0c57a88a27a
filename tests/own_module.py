"""A module of the user's own, as a configuration names it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def module_at_hand(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> Iterator[str]:
    """Put a module into a folder, which is the working directory then, by a name that no other test has."""
    name = f"own_{folder.name.replace('-', '_')}"
    (folder / f"{name}.py").write_text(text)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield name
    sys.modules.pop(name, None)
