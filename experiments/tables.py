"""Tables of experiments: a corpus, the rows that can be run on it, and which of them make up a table."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catscale.data.embedded.corpus import generate_corpus
from catscale.data.preparation.prepare import prepare
from catscale.errors import ConfigError
from catscale.evaluation.metrics.table import METRICS, in_order
from catscale.run.config import RunConfig, parse_config
from catscale.run.method_text import configure, folder_name
from catscale.run.sweep_plan import PlannedRun, score_bases
from catscale.system.reading.yaml_file import read_yaml

HERE = Path(__file__).parent
KEYS = ("question", "rows", "seeds", "splits", "metric", "baseline")
"""Of a table, in this order."""


@dataclass(frozen=True)
class Table:
    """Rows × seeds on one corpus.

    Attributes:
        corpus: Name of the file that describes it.
        name: Of the table.
        question: What it answers.
        rows: Its runs, seed by seed; a run's `method` is the name of the row, which other seeds share.
        compares: Whether rows are scored on test, and tested against the baseline.
        generated: Folder of the embedded corpus; None for data that are there.
        metric: The metric that the rows are judged by, and the best temperature is chosen by; None for BLEU.
        baseline: The row that the others are compared with; None for the best temperature on dev.
        why: The reason for that row, in words.
    """

    corpus: str
    name: str
    question: str
    rows: list[PlannedRun]
    compares: bool
    generated: Path | None
    metric: str | None = None
    baseline: str | None = None
    why: str = ""

    @property
    def done(self) -> list[PlannedRun]:
        """The runs that are trained and scored."""
        return [row for row in self.rows if row.is_done]

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


def split_name(name: str) -> tuple[str, str]:
    """Corpus and table of `CORPUS-TABLE`, both of which may hold hyphens: the longest corpus that there is.

    Raises:
        ConfigError: If it begins with none.
    """
    known = sorted(path.stem for path in HERE.glob("*.yaml"))
    if found := [corpus for corpus in known if name.startswith(f"{corpus}-")]:
        corpus = max(found, key=len)
        return corpus, name.removeprefix(f"{corpus}-")
    raise ConfigError(f"no experiments are described for {name!r}; write CORPUS-TABLE, of {', '.join(known)}")


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
    splits = tuple(table["splits"])
    rows = [
        PlannedRun(row, seed, *_configure(row, content["rows"][row], seed, base, folder), splits)
        for seed in table["seeds"]
        for row in table["rows"]
    ]
    generated = folder / "corpus" if content.get("generate") else None
    return Table(
        corpus,
        name,
        table["question"],
        score_bases(rows),
        "test" in splits,
        generated,
        **_read_judging(path, name, table, rows),
    )


def _read_judging(path: Path, name: str, table: Mapping[str, Any], runs: Sequence[PlannedRun]) -> dict[str, str]:
    """What a table says of how its rows are judged: `metric: nll`, `baseline: {row: T=2, why: WORDS}`, or neither.

    Raises:
        ConfigError: If there is no such key or row, its runs are not scored in the metric, or nothing is judged.
    """
    if unknown := sorted(map(str, set(table) - set(KEYS))):
        raise ConfigError(
            f"{path}: the table {name!r} has unknown keys: {', '.join(unknown)}; known: {', '.join(KEYS)}"
        )
    given = {key: table[key] for key in ("metric", "baseline") if key in table}
    if given and "test" not in table["splits"]:
        raise ConfigError(
            f"{path}: the table {name!r} has {' and '.join(given)}, but rows are compared on test alone, and its "
            f"splits are {', '.join(table['splits'])}; add test, or leave them out"
        )
    found = {}
    if "metric" in given:
        found["metric"] = _check_metric(given["metric"], f"{path}: the metric of the table {name!r}", runs)
    if "baseline" in given:
        named = given["baseline"]
        if not isinstance(named, Mapping) or set(named) != {"row", "why"} or named["row"] not in table["rows"]:
            raise ConfigError(
                f"{path}: the baseline of the table {name!r} must be {{row: one of its rows, why: the reason}}, "
                f"found {named!r}; its rows are {', '.join(table['rows'])}"
            )
        if not isinstance(named["why"], str) or not named["why"].strip():
            raise ConfigError(
                f"{path}: the reason for the baseline of the table {name!r} must be in words, found {named['why']!r}; "
                "write why"
            )
        found |= {"baseline": named["row"], "why": named["why"]}
    return found


def _check_metric(given: Any, what: str, runs: Sequence[PlannedRun]) -> str:
    """Return the metric, in which all runs are scored.

    Raises:
        ConfigError: If they are not.
    """
    always = {key for key, metric in METRICS.items() if metric.of_model}
    scored = [always | {metric.name for metric in run.config.evaluation.metrics} for run in runs]
    known = in_order(set.intersection(*scored))
    if not isinstance(given, str) or given not in known:
        raise ConfigError(
            f"{what} must be one that its runs are scored in, found {given!r}; write one of {', '.join(known)}, or add "
            "it to evaluation.metrics"
        )
    return given


def _configure(
    name: str, row: Mapping[str, Any], seed: int, base: Mapping[str, Any], folder: Path
) -> tuple[RunConfig, Path]:
    """What a run does, and its folder."""
    shared = parse_config(_set_keys(base, row.get("set", {})), f"the row {name!r}")
    return configure(shared, row["method"], seed), folder / folder_name(name.replace(" ", "-")) / f"seed-{seed}"


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
