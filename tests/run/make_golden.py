"""Writes the golden files: the resolved settings of everything that has a default, so that a changed one is a diff.

    python tests/run/make_golden.py

`tests/run/golden/` gets the defaults of a run, every model preset, every method of every section's table, every file
of `configs/` and the demo's configuration. `tests/run/test_golden.py` compares.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

import yaml

from catscale.model.m2m100 import M2M100
from catscale.model.table import ARCHITECTURES
from catscale.run.commands.demo import STEPS, demo_config
from catscale.run.config import load_config, parse_config
from catscale.run.sections import SECTIONS
from catscale.vocabulary.table import KINDS

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"
DATA = {"format": "moses", "path": "corpus", "source": "en", "targets": "all"}
REQUIRED: dict[tuple[str, str], Any] = {
    ("sampling", "temperature_schedule"): {"knots": [[10, 1], [30, 5]]},
    ("sampling", "pretrain_finetune"): {"steps": 15},
    ("model", "pretrained"): {"pretrained": "folder"},
    ("vocabulary", "pretrained"): {"path": "folder"},
}
"""Settings without a default."""


def resolve_all() -> dict[str, str]:
    """Resolve every golden file: its name in the folder, and its text."""
    found: dict[str, Any] = {"defaults.yaml": resolve({}), "model_presets.yaml": resolve_presets()}
    found["demo.yaml"] = demo_config(Path("demo"), STEPS).model_dump(mode="json")
    tables: dict[str, tuple[str, Iterable[str]]] = {
        name: ("method", section.methods) for name, section in SECTIONS.items()
    }
    tables |= {"model": ("architecture", ARCHITECTURES), "vocabulary": ("kind", KINDS)}
    for section, (key, names) in tables.items():
        chosen = {name: {key: name, **REQUIRED.get((section, name), {})} for name in names}
        found[f"{section}.yaml"] = {name: resolve({section: given})[section] for name, given in chosen.items()}
    for path in sorted((ROOT / "configs").glob("*.yaml")):
        found[f"configs/{path.name}"] = load_config(path).model_dump(mode="json")
    return {name: yaml.safe_dump(content, sort_keys=False, allow_unicode=True) for name, content in found.items()}


def resolve(content: dict[str, Any]) -> dict[str, Any]:
    """Resolve a run's configuration of which sections are given."""
    return parse_config({"data": DATA, **content}, "golden").model_dump(mode="json")


def resolve_presets() -> dict[str, Any]:
    """Resolve the sizes of each model preset."""
    return {name: M2M100(preset=name).sizes() for name in get_args(M2M100.model_fields["preset"].annotation)}


def main() -> None:
    files = resolve_all()
    for path in GOLDEN.rglob("*.yaml"):
        if path.relative_to(GOLDEN).as_posix() not in files:
            path.unlink()
    for name, text in files.items():
        (GOLDEN / name).parent.mkdir(parents=True, exist_ok=True)
        (GOLDEN / name).write_text(text, encoding="utf-8")
    print(f"{GOLDEN}: {len(files)} files", file=sys.stderr)


if __name__ == "__main__":
    main()
