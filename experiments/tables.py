"""Tables of experiments: a corpus, the rows that can be run on it, and which of them make up a table."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catscale.data.cldr import generate_corpus
from catscale.data.prepare import prepare
from catscale.errors import ConfigError
from catscale.files import write_text
from catscale.run.config import RunConfig, dump_config, parse_config, read_yaml
from catscale.run.folder import open_folder, scores_path
from catscale.run.parallel import Job
from catscale.run.specification import configure, folder_name

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Row:
    """One run of a table.

    Attributes:
        name: Of the table's row, which other seeds share.
        seed: Of the run.
        config: What it does.
        folder: Its run.
    """

    name: str
    seed: int
    config: RunConfig
    folder: Path

    def check(self) -> None:
        """Refuse a folder that holds a run of another configuration.

        Raises:
            ConfigError: Naming what differs.
        """
        if self.folder.exists():
            open_folder(self.folder, self.config)

    def missing(self, splits: Sequence[str]) -> list[str]:
        """The splits that are not scored yet."""
        return [split for split in splits if not scores_path(self.folder, split).exists()]

    def plan(self, splits: Sequence[str]) -> Job:
        """The commands that train the run, where it is not trained, and score it."""
        path, log = (self.folder.with_name(f"{self.folder.name}.{suffix}") for suffix in ("yaml", "log"))
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, dump_config(self.config))
        start = [sys.executable, "-m", "catscale"]
        chosen = [argument for split in self.missing(splits) for argument in ("--split", split)]
        commands = [
            [*start, "train", str(path), "--out", str(self.folder)],
            [*start, "evaluate", str(self.folder), *chosen],
        ]
        return Job(f"{self.name}, seed {self.seed}", commands, log, self.folder, self.config.training.max_steps)


@dataclass(frozen=True)
class Table:
    """Rows × seeds on one corpus.

    Attributes:
        corpus: Name of the file that describes it.
        name: Of the table.
        question: What it answers.
        rows: Its runs, seed by seed.
        splits: Which ones are scored: dev alone where something is chosen.
        compares: Whether rows are tested against the best temperature.
        generated: Folder of the embedded corpus; None for data that are there.
    """

    corpus: str
    name: str
    question: str
    rows: list[Row]
    splits: list[str]
    compares: bool
    generated: Path | None

    def prepare(self, say: Callable[[str], None]) -> None:
        """Generate the corpus, where it is an embedded one and missing, and prepare it."""
        if self.generated is not None and not self.generated.exists():
            generate_corpus(self.generated)
        prepare(self.rows[0].config.data, self.rows[0].config.vocabulary, say)


def find_corpus(name: str) -> Path:
    """The file that describes a corpus: `NAME.yaml` beside this one, or a path.

    Raises:
        ConfigError: If there is none.
    """
    path = HERE / f"{name}.yaml" if not name.endswith(".yaml") else Path(name)
    if not path.is_file():
        known = ", ".join(sorted(other.stem for other in HERE.glob("*.yaml")))
        raise ConfigError(f"no experiments are described in {path}; there are {known}")
    return path


def load_table(path: Path, name: str, out: Path) -> Table:
    """Read one table of a corpus; nothing is written.

    Args:
        path: A corpus and its tables.
        name: Of one of the tables.
        out: Folder of all runs; those of a corpus lie in a folder of its name, shared by its tables.

    Raises:
        ConfigError: If a name is unknown or a setting wrong.
    """
    content = read_yaml(path)
    if missing := {"config", "rows", "tables"} - set(content):
        raise ConfigError(f"{path} describes no experiments: it has no {', '.join(sorted(missing))}")
    if name not in content["tables"]:
        raise ConfigError(f"{path} has no table {name!r}; there are {', '.join(content['tables'])}")
    corpus = path.stem
    table, base, folder = content["tables"][name], content["config"], out.absolute() / corpus
    if unknown := [row for row in table["rows"] if row not in content["rows"]]:
        raise ConfigError(f"{path}: the table {name!r} names rows that are not described: {', '.join(unknown)}")
    if content.get("generate"):
        base["data"]["path"] = str(folder / "corpus")
    base["data"]["store"] = str(folder / "prepared")
    rows = [
        _configure(row, content["rows"][row], seed, base, folder) for seed in table["seeds"] for row in table["rows"]
    ]
    compares = "test" in table["splits"]
    generated = folder / "corpus" if content.get("generate") else None
    return Table(corpus, name, table["question"], rows, table["splits"], compares, generated)


def _configure(name: str, row: Mapping[str, Any], seed: int, base: Mapping[str, Any], folder: Path) -> Row:
    shared = parse_config(_set_keys(base, row.get("set", {})), f"the row {name!r}")
    config = configure(shared, row["method"], seed)
    return Row(name, seed, config, folder / folder_name(name.replace(" ", "-")) / f"seed-{seed}")


def _set_keys(content: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a configuration with other values of some dotted keys."""
    copied: dict[str, Any] = json.loads(json.dumps(content))
    for key, value in changes.items():
        *groups, last = key.split(".")
        inner = copied
        for group in groups:
            inner = inner.setdefault(group, {})
        inner[last] = value
    return copied
