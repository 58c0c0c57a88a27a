"""Writes `docs/configuration.md` from the settings classes: names, defaults and their docstrings.

python docs/make_configuration.py [--check]
"""

import inspect
import re
import sys
from pathlib import Path

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from catscale.analysis.config import AnalysisConfig
from catscale.balancing import METHODS
from catscale.data.config import CleaningConfig, CorpusPart, DataConfig, HoldoutConfig, SplitNames
from catscale.data.corpus_config import CorpusConfig
from catscale.data.formats.contract import FileFormat
from catscale.data.formats.table import ELSEWHERE, FORMATS
from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.metrics.contract import Metric
from catscale.evaluation.metrics.table import METRICS
from catscale.model.table import ARCHITECTURES
from catscale.model.transformer import PRESETS
from catscale.optimisation.table import OPTIMIZERS
from catscale.sampling import SAMPLERS
from catscale.training.config import RESUMABLE, TrainingConfig
from catscale.vocabulary.table import KINDS

PAGE = Path(__file__).parent / "configuration.md"
SECTIONS: list[tuple[str, type[BaseModel]]] = [
    ("data", DataConfig),
    ("data.corpora, each", CorpusPart),
    ("data.splits", SplitNames),
    ("data.cleaning", CleaningConfig),
    ("data.holdout", HoldoutConfig),
    *((f"vocabulary, kind: {name}", kind.settings) for name, kind in KINDS.items()),
    *((f"sampling, method: {name}", method) for name, method in SAMPLERS.items()),
    *((f"balancing, method: {name}", method) for name, method in METHODS.items()),
    *((f"model, architecture: {name}", architecture) for name, architecture in ARCHITECTURES.items()),
    *((f"optimizer, method: {name}", method) for name, method in OPTIMIZERS.items()),
    ("training", TrainingConfig),
    ("evaluation", EvaluationConfig),
    *((f"evaluation.metrics, method: {name}", own) for name, own in METRICS.items() if len(own.model_fields) > 1),
    ("analysis", AnalysisConfig),
]
HEAD = """\
# Settings

Made by `python docs/make_configuration.py` from the classes that own the settings; do not edit.

One YAML file per run; only `data.format` and `data.path`, or `data.corpora`, and the directions have no default.
Unknown keys are errors. Any setting can be given on the command line, `--set training.seed=2`. Relative paths are
relative to the folder that the command is run in; `${NAME}` and `${NAME:-default}` in a path are taken from the
environment. The resolved configuration is written to `RUN/config.yaml` and is itself a configuration.

A plain word is what YAML 1.2 says and what it looks like: `17`, `-3`, `0x1f` are whole numbers, `0.5`, `.5`, `1e-3`
are numbers, `true` and `false` are truth values. `no`, `yes`, `on`, `off` are words (`no` is Norwegian), and so are
dates and `017`, `0o17`, `1_000`, `1:30`, which YAML 1.1 read as numbers; where a number is asked for they are
refused. Nothing is converted: `true` is no 1, `"3"` no 3, and `1e3` or `3.0` no whole number. Every number has a
lower and an upper bound. A language has letters from A to Z, digits, `_` and `-`, at most 32. Refused are tags other
than `!!str`, `!!int`, `!!float`, `!!bool`, `!!null`, `!!map` and `!!seq`, repeated keys, and files beyond 4 MiB, 32
levels or 200,000 values.
"""


def attributes(model: type[BaseModel]) -> dict[str, str]:
    """The `Attributes:` of a class's docstring, and of those of its bases."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if issubclass(base, BaseModel) and base.__doc__:
            found |= documented(inspect.cleandoc(base.__doc__))
    return found


def documented(text: str) -> dict[str, str]:
    """Name and meaning of each entry under `Attributes:`."""
    found: dict[str, str] = {}
    names: list[str] = []
    for line in text.partition("Attributes:\n")[2].splitlines():
        if match := re.match(r"    (\w[\w, ]*): (.*)", line):
            names = [name.strip() for name in match.group(1).split(",")]
            found |= dict.fromkeys(names, match.group(2))
        elif line.startswith("        "):
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
        elif line.strip():
            break
    return found


def section(title: str, model: type[BaseModel]) -> str:
    """A table of one class."""
    described = attributes(model)
    rows = []
    shared = CorpusConfig.model_fields if model is CorpusPart else {}  # they stand under data
    for key, field in model.model_fields.items():
        name = field.alias or key
        if name in shared:
            continue
        default = field.get_default(call_default_factory=True)
        missing = default is PydanticUndefined
        shown = "required" if missing else "see below" if isinstance(default, BaseModel) else f"`{render(default)}`"
        rows.append(f"| `{name}` | {shown} | {described.get(name, '')} |")
    summary = (inspect.getdoc(model) or "").splitlines()[0]
    return "\n".join([f"## `{title}`", "", summary, "", "| key | default | |", "|---|---|---|", *rows, ""])


def formats() -> str:
    """A table of the formats."""
    rows = ["| format | | standard input | needs |", "|---|---|---|---|"]
    for name, form in FORMATS.items():
        streams, extra = (form.streams, form.extra) if isinstance(form, FileFormat) else (False, "")
        needs = f"`catscale[{extra}]`" if extra else ""
        rows.append(f"| `{name}` | {form.summary} | {'yes' if streams else ''} | {needs} |")
    rows += [f"| `{name}` | {summary} | | |" for name, summary in ELSEWHERE.items()]
    return "\n".join(["## Formats of `data.format`", "", *rows, ""])


def render(value: object) -> str:
    """A default as YAML would have it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, tuple) and value and isinstance(value[0], Metric):
        return f"[{', '.join(metric.name for metric in value)}]"
    return str(list(value)) if isinstance(value, tuple) else str(value)


def page() -> str:
    """The whole page."""
    presets = ["| preset | layers per side | width | feed-forward | heads |", "|---|---|---|---|---|"]
    presets += [f"| {name} | " + " | ".join(str(v) for v in sizes.values()) + " |" for name, sizes in PRESETS.items()]
    parts = [HEAD, *(section(*item) for item in SECTIONS), formats(), "## Presets of `model`", "", *presets, ""]
    parts.append(
        f"A continued run may change {', '.join(f'`training.{name}`' for name in sorted(RESUMABLE))}, "
        "and all of `evaluation` and `analysis`."
    )
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(PAGE.read_text(encoding="utf-8") != page())
    PAGE.write_text(page(), encoding="utf-8")
