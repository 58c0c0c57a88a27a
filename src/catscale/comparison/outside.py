"""Other systems' translations of the same test sentences, beside runs in a comparison.

FOLDER/test.en-az.hyp      as a run's `translations/`, or
FOLDER/en-az.hyp           .hyp, .txt, .out or no ending: one translation per line, in the order of the test set
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from catscale.comparison.result import ComparedMethod
from catscale.comparison.translations import RunTexts, read_lines
from catscale.errors import ConfigError

ENDINGS = (".hyp", ".txt", ".out", "")
LONGEST = 100
"""Characters of a system's name."""


@dataclass(frozen=True)
class OutsideSystem:
    """A system that is no run of ours.

    Attributes:
        name: Shown in tables; the name of no method of the runs.
        folders: The folders of its outputs: one, or one per seed.
    """

    name: str
    folders: tuple[Path, ...]

    @property
    def method(self) -> ComparedMethod:
        """The method that it is in a comparison; its outputs are numbered as seeds are."""
        return ComparedMethod(
            self.name, list(range(1, len(self.folders) + 1)), [str(folder) for folder in self.folders], outside=True
        )


def parse_outside(texts: Sequence[str]) -> list[OutsideSystem]:
    """Read the arguments `NAME=FOLDER`; a name that is given several times has several seeds.

    Raises:
        ConfigError: If one is not of this form, or the folder does not exist.
    """
    folders: dict[str, list[Path]] = {}
    for text in texts:
        name, mark, folder = text.partition("=")
        name = name.strip()
        if not mark or not name or not folder or len(name) > LONGEST or not name.isprintable():
            raise ConfigError(
                f"--outside {text}: expected NAME=FOLDER, as in --outside google=outputs/google, with a name of at "
                f"most {LONGEST} printable characters"
            )
        if not Path(folder).is_dir():
            raise ConfigError(f"--outside {text}: {folder} is no folder; give one that holds {_names('test', 'en-az')}")
        if Path(folder).resolve() in [known.resolve() for known in folders.get(name, [])]:
            raise ConfigError(f"--outside {text}: the folder is given twice for {name}; give each seed's output once")
        folders.setdefault(name, []).append(Path(folder))
    return [OutsideSystem(name, tuple(found)) for name, found in folders.items()]


def check_names(systems: Sequence[OutsideSystem], methods: Sequence[ComparedMethod]) -> None:
    """Refuse a system that is called as a method of the runs is.

    Raises:
        ConfigError: If one is.
    """
    for system in systems:
        if system.name in [method.name for method in methods]:
            raise ConfigError(f"--outside {system.name}: a method of the runs has this name; choose another")


def read_outside(folder: Path, split: str, direction: str, like: RunTexts) -> RunTexts:
    """Read one direction of one output, and put it beside the sources and references of a run.

    Args:
        folder: The folder of the output.
        split: The split whose translations are read.
        direction: The direction, as in `en-az`.
        like: A run's texts of the direction, S sentences.

    Returns:
        S translations; NLL is not known.

    Raises:
        ConfigError: If there is no file, or it has not S lines.
        CheckpointError: If it cannot be read.
    """
    path = find_output(folder, split, direction)
    if path is None:
        raise ConfigError(f"{folder} has no translations of {direction}; it must hold {_names(split, direction)}")
    lines = [line.removesuffix("\r") for line in read_lines(path, "give UTF-8 text, one translation per line")]
    if len(lines) != len(like.sources):
        raise ConfigError(
            f"{path} has {len(lines):,} lines, the {split} set of {direction} has {len(like.sources):,} sentences; "
            "give one translation per line, in the order of the run's translations/*.src"
        )
    return RunTexts(like.sources, like.references, lines, further=like.further, outside=True)


def find_output(folder: Path, split: str, direction: str) -> Path | None:
    """Return a direction's file; None where there is none."""
    names = [f"{stem}{ending}" for stem in (f"{split}.{direction}", direction) for ending in ENDINGS]
    return next((folder / name for name in names if (folder / name).is_file()), None)


def translated_directions(systems: Sequence[OutsideSystem], split: str, directions: Sequence[str]) -> list[str]:
    """Return the directions that all systems translated."""
    folders = [folder for system in systems for folder in system.folders]
    return [name for name in directions if all(find_output(folder, split, name) for folder in folders)]


def append_outside(
    texts: Mapping[str, Sequence[RunTexts]], systems: Sequence[OutsideSystem], split: str
) -> dict[str, list[RunTexts]]:
    """Return the runs' texts by direction with the systems' behind them, an output of each after the other."""
    folders = [folder for system in systems for folder in system.folders]
    return {
        name: [*found, *(read_outside(folder, split, name, found[0]) for folder in folders)]
        for name, found in texts.items()
    }


def _names(split: str, direction: str) -> str:
    return f"{split}.{direction}.hyp (or {direction}.hyp, .txt, .out)"
