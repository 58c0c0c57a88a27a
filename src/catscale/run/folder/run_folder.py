"""The folder of a run: made, recognised, and refused when it belongs to another configuration."""

import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import catscale
from catscale.data.corpus_config import without_unset
from catscale.data.store.store import Store
from catscale.errors import CheckpointError, ConfigError
from catscale.optimisation.table import DEFAULT, OPTIMIZERS
from catscale.run.config import RunConfig, differing_keys, dump_config, load_config, refuse_an_early_end
from catscale.run.folder.readback import read_environment
from catscale.sampling.replay import REPLAY
from catscale.sampling.table import DEFAULT as USUAL_SAMPLER
from catscale.sampling.table import SAMPLERS
from catscale.system.reading.yaml_file import parse_yaml, read_yaml
from catscale.system.writing.files import clear_leftovers, make_folder, user_errors, write_json, write_text
from catscale.system.writing.folders import TEMPORARY, names_beside
from catscale.system.writing.markers import MARKER, Kind, check_claim, mark
from catscale.system.writing.places import check_file, check_folder, find_kind
from catscale.training.config import RESUMABLE
from catscale.training.moved_settings import move_settings
from catscale.vocabulary.training import IN_FIRST_VERSION

LEFT = (".train.lock",)
"""Names that a run killed before its first file may have left, beside its marker and temporary files."""
FILES = ("config.yaml", "environment.json", "metrics.jsonl")
FOLDERS = (
    *("checkpoints", "best", "averages", "base", "translations", "tensorboard", "wandb", "mlflow", "ctranslate2"),
    *("licence", "stages"),
)
PACKAGES = ("torch", "transformers", "sentencepiece", "sacrebleu", "ctranslate2", "numpy")


def open_folder(folder: Path, config: RunConfig) -> None:
    """Make a run's folder, or check that it holds a run of this configuration; writes nothing into it.

    Settings that do not alter the steps already taken may differ (such as `training.max_steps`).

    Raises:
        ConfigError: If the folder holds something else.
        CatscaleError: If it cannot be made.
    """
    path = folder / "config.yaml"
    refuse_an_early_end(config, str(folder))
    if path.exists():
        check_claim(folder, Kind("run", earlier=lambda folder: _is_earlier_run(folder, config)))
        before, after = _read_config(path), parse_yaml(dump_config(config))
        if config.model.follows_length:
            _require_same_length(folder, before, config)
        changed = differing_keys(_fixed_part(before), _fixed_part(after))
        if changed:
            raise ConfigError(
                f"{folder} holds a run of another configuration:\n"
                + "\n".join(f"  {line}" for line in changed)
                + "\nchoose another folder with --out, or undo the change"
            )
    elif folder.exists():
        left = [*LEFT, MARKER, *(left.name for left in names_beside(path, TEMPORARY))]
        if not folder.is_dir() or any(path.name not in left for path in folder.iterdir()):
            raise ConfigError(f"{folder} exists and is not a run's folder; choose another with --out")
    with user_errors("make the run's folder", folder):
        make_folder(folder)


def _require_same_length(folder: Path, before: dict[str, Any], config: RunConfig) -> None:
    """Refuse another length of a run whose model follows it: steps already taken would have been others."""
    began, steps = before["training"].get("max_steps"), config.training.max_steps
    if began != steps:
        raise ConfigError(
            f"the training of {folder} follows the share of training.max_steps that is done (noise of gates, or "
            f"samples of layers), and began with max_steps = {began}, found {steps}; set it back, or choose another "
            "folder with --out"
        )


def _is_earlier_run(folder: Path, config: RunConfig) -> bool:
    """Return whether a folder with a config.yaml and no marker is a run of version 0.1, and not a user's
    configuration."""
    environment, path = folder / "environment.json", folder / "config.yaml"
    if find_kind(environment) == "a file":
        return "data_fingerprint" in read_environment(folder)
    return find_kind(path) == "a file" and path.read_bytes() == dump_config(config).encode()


def check_places(folder: Path) -> None:
    """Check that what a run writes is written to files and folders of its own, before hours are spent.

    Raises:
        CatscaleError: If a link, a pipe or similar is in the place of one.
    """
    for name in FILES:
        check_file(folder / name)
    for name in FOLDERS:
        check_folder(folder / name)


def _read_config(path: Path) -> dict[str, Any]:
    """Read a run's config.yaml, which another version of catscale may have written."""
    try:
        content = read_yaml(path, follow=False)
        if all(isinstance(content.get(section), dict) for section in ("data", "training")):
            move_settings(content, str(path))
            return content
        reason = "its sections data and training hold no keys"
    except ConfigError as error:
        reason = str(error)
    raise ConfigError(f"{path} is not the configuration of a run ({reason}); choose another folder with --out")


def _fixed_part(content: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that must not change while a run goes on; where the data lie may, their fingerprint
    decides."""
    training = {key: value for key, value in content["training"].items() if key not in RESUMABLE}
    data = {key: value for key, value in content["data"].items() if key not in ("path", "store")}
    if data.get("corpora"):
        parts = [{key: value for key, value in part.items() if key != "path"} for part in data["corpora"]]
        data["corpora"] = [without_unset(part) for part in parts]
    vocabulary = {**IN_FIRST_VERSION, **(content.get("vocabulary") or {}), "max_unknown": None}
    model = content.get("model")
    if isinstance(model, dict) and "pretrained" in model:  # the fingerprint of its model decides too
        model, vocabulary = {**model, "pretrained": None}, {**vocabulary, "path": None}
    return {
        **content, "model": model, "training": training, "data": data, "vocabulary": vocabulary,
        "evaluation": None, "analysis": None,
        "optimizer": _complete_optimizer(content.get("optimizer")),
        "sampling": _complete_sampling(content.get("sampling")),
    }  # fmt: skip


def _complete_optimizer(content: Any) -> Any:
    """Fill in what the version that wrote a run's optimiser did not have: it did what the defaults are."""
    given = content if isinstance(content, dict) else {}
    name = given.get("method", DEFAULT.method)
    return OPTIMIZERS[name]().model_dump(mode="json") | given if name in OPTIMIZERS else content


def _complete_sampling(content: Any) -> Any:
    """Fill in what the version that wrote a run's sampler did not have, and what mattered to none of its runs."""
    if not isinstance(content, dict):
        return content
    known = SAMPLERS.get(content.get("method", USUAL_SAMPLER.method))
    fields = {} if known is None else known.model_fields
    defaults = {key: field.default for key, field in fields.items() if not field.is_required() and key != "method"}
    return {"replay": REPLAY, **defaults, **content}


def load_run(folder: Path, overrides: Sequence[str] = ()) -> RunConfig:
    """Load the configuration of an existing run.

    Args:
        folder: The run's folder.
        overrides: `key=value`, as for `load_config`.

    Raises:
        CheckpointError: If the folder is not a run's.
    """
    if not (folder / "config.yaml").is_file():
        raise CheckpointError(f"{folder} is not a run's folder: config.yaml is missing; give the folder of a `train`")
    config = load_config(folder / "config.yaml", overrides, is_record=True)
    return config.model_copy(update={"vocabulary": config.vocabulary.as_in_first_version()})


def write_config(folder: Path, config: RunConfig, store: Store) -> None:
    """Write the resolved configuration, unless the folder holds a run on other data.

    Raises:
        ConfigError: If it does.
    """
    mark(folder, "run")
    clear_leftovers(folder / "config.yaml")
    clear_leftovers(folder / "environment.json")
    if (folder / "environment.json").exists():
        before = read_environment(folder).get("data_fingerprint")
        if before != store.fingerprint:
            raise ConfigError(
                f"the data have changed since the run in {folder} began: fingerprint {str(before)[:16]} there, "
                f"{store.fingerprint[:16]} now; choose another folder with --out, or restore the data"
            )
    path, text = folder / "config.yaml", dump_config(config)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)


def record_environment(folder: Path, about_run: Mapping[str, Any], about_visit: Mapping[str, Any], step: int) -> None:
    """Write what a run is made on and by; where another visit goes on with it, both are on record.

    `environment.json` describes the visit that began the run; `continued_by` lists those that went on with it on
    another commit, device or version, each with the step that it went on after and all that it changed.

    Args:
        folder: The run's.
        about_run: The facts that stay: seed, data.
        about_visit: The facts that `describe_visit` found.
        step: Steps that are taken already.
    """
    path, began = folder / "environment.json", {**about_visit, **about_run}
    if step and path.exists():
        before = read_environment(folder)
        listed = before.pop("continued_by", [])
        visits = [visit for visit in listed if isinstance(visit, dict) and visit.get("step", step) < step]
        latest = {key: value for found in (before, *visits) for key, value in found.items()}
        changed = {key: value for key, value in about_visit.items() if latest.get(key) != value}
        visits += [{"step": step, **changed}] if changed else []
        began = {**before, "continued_by": visits} if visits else before
    if not path.exists() or read_environment(folder) != began:
        write_json(path, began)


def describe_visit(device: str, processes: int) -> dict[str, Any]:
    """Describe what runs where: versions, commit, machine, device."""
    return {
        "catscale": catscale.__version__,
        "commit": source_commit(),
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "machine": platform.machine(),
        "packages": {name: _version(name) for name in PACKAGES},
        "device": device,
        "processes": processes,
    }


def source_commit() -> str | None:
    """Return the commit of catscale's source, with `+changes` where it differs; None outside a checkout."""
    package = Path(catscale.__file__).parent  # all of it: what is changed may be anywhere

    def git(*arguments: str) -> str:
        command = ["git", "--no-optional-locks", *arguments]  # a commit made meanwhile must not find a lock of ours
        done = subprocess.run(command, cwd=package, capture_output=True, text=True, check=True, timeout=10)
        return done.stdout.strip()

    try:
        tracked = git("ls-files", "--error-unmatch", "__init__.py")
        commit = git("rev-parse", "HEAD") if tracked else None
        return f"{commit}+changes" if commit and git("status", "--porcelain", "--", ".") else commit
    except (OSError, subprocess.SubprocessError):
        return None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
