"""Folders of runs that a user gives a comparison, with or without a name: `RUN` or `NAME=RUN`."""

from collections.abc import Sequence
from pathlib import Path

from catscale.comparison.outside import LONGEST
from catscale.errors import ConfigError
from catscale.run.folder.evaluated import find_runs


def parse_runs(texts: Sequence[str]) -> tuple[list[Path], dict[Path, str]]:
    """Read the arguments `RUN` and `NAME=RUN`; what is a folder as it stands has no name, as `sweeps/one/T=5`.

    Args:
        texts: The arguments.

    Returns:
        The folders, and the names by the resolved folders of runs, which are those given or lie below.

    Raises:
        ConfigError: If one is not of this form, a folder holds no run, or a run has two names.
    """
    folders: list[Path] = []
    names: dict[Path, str] = {}
    for text in texts:
        name, folder = _divide(text)
        folders.append(folder)
        for run in find_runs([folder]) if name else []:
            known = names.setdefault(run.resolve(), name)
            if known != name:
                raise ConfigError(f"{text}: {run} is called {known} already; give it one name")
    return folders, names


def _divide(text: str) -> tuple[str, Path]:
    """Return the name and the folder of an argument; names may hold an equals sign, as T=5 does."""
    if Path(text).exists() or "=" not in text:
        return "", Path(text)
    parts = text.split("=")
    cuts = [("=".join(parts[:n]).strip(), "=".join(parts[n:])) for n in range(1, len(parts))]
    name, folder = next(((name, folder) for name, folder in cuts if folder and Path(folder).is_dir()), ("", ""))
    if not name or len(name) > LONGEST or not name.isprintable():
        raise ConfigError(
            f"{text}: expected RUN or NAME=RUN, a folder that exists, as in new=runs/one, with a name of at most "
            f"{LONGEST} printable characters"
        )
    return name, Path(folder)
