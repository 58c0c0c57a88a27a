"""The model that a run started from: put on record, its licence kept, and compared where the run goes on."""

from pathlib import Path
from typing import Any

from catscale.errors import ConfigError
from catscale.model.contract import Architecture
from catscale.model.licence import copy_licence, read_licence
from catscale.run.folder.readback import read_environment
from catscale.run.folder.run_lock import is_held
from catscale.system.console.messages import Say

LICENCE = "licence"
"""Folder of the copies of the licence's files in a run's."""
RESTORE = "restore it, or choose another folder with --out"


def record_base(folder: Path, model: Architecture, base: dict[str, Any] | None = None) -> dict[str, Any]:
    """Describe the model that a run starts from, and copy the files of its licence into the run's folder.

    Args:
        folder: The run's.
        model: The settings of its model.
        base: The base as `check_base` has described it; None where it has not.

    Returns:
        What `environment.json` holds of it; empty where all parameters are drawn.

    Raises:
        CatscaleError: If its folder cannot be read.
    """
    base = model.describe_base() if base is None else base
    if base is None:
        return {}
    licence = read_licence(Path(base["path"]))
    return {"base": {**base, "licence": licence.name, "licence_files": copy_licence(licence, folder / LICENCE)}}


def check_base(folder: Path, model: Architecture, advice: str = RESTORE) -> dict[str, Any] | None:
    """Refuse to go on with a run whose pre-trained model has changed since it began.

    Args:
        folder: The run's.
        model: The settings of its model.
        advice: The remedies that the message names.

    Returns:
        The base as it is now, whose files take long to read; None where there was none on record to compare with.

    Raises:
        ConfigError: If it has.
        CatscaleError: If its folder cannot be read.
    """
    before = read_environment(folder).get("base") if (folder / "environment.json").exists() else None
    base = None if before is None else model.describe_base()
    if before is None or base is None or "fingerprint" not in before:
        return base
    if base["fingerprint"] != before["fingerprint"]:
        raise ConfigError(
            f"the pre-trained model {base['path']} has changed since the run in {folder} began: fingerprint "
            f"{before['fingerprint'][:16]} there, {base['fingerprint'][:16]} now; {advice}"
        )
    return base


def warn_of_moving_base(base: Path | None, say: Say) -> None:
    """Warn where a run starts from the best model of another one that is still training.

    Args:
        base: The folder of the pre-trained model; None without one.
        say: Receives the warning.
    """
    run = None if base is None else base.absolute().parent
    if run is not None and run.joinpath("config.yaml").is_file() and is_held(run, "train"):
        say(
            f"warning: {base} is of a run that is still training and may change; then this one cannot go on after an "
            "interruption: copy the folder and start from the copy"
        )
