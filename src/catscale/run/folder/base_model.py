"""The model that a run started from: put on record, its licence kept, and compared where the run goes on."""

from pathlib import Path
from typing import Any

from catscale.errors import ConfigError
from catscale.model.contract import Architecture
from catscale.model.licence import copy_licence, read_licence
from catscale.run.folder.readback import read_environment

LICENCE = "licence"
"""Folder of the copies of the licence's files in a run's."""


def record_base(folder: Path, model: Architecture) -> dict[str, Any]:
    """Describe the model that a run starts from, and copy the files of its licence into the run's folder.

    Args:
        folder: The run's.
        model: The settings of its model.

    Returns:
        What `environment.json` holds of it; empty where all parameters are drawn.

    Raises:
        CatscaleError: If its folder cannot be read.
    """
    base = model.describe_base()
    if base is None:
        return {}
    place = Path(base["path"])
    return {
        "base": {**base, "licence": read_licence(place).name, "licence_files": copy_licence(place, folder / LICENCE)}
    }


def check_base(folder: Path, model: Architecture) -> None:
    """Refuse to go on with a run whose pre-trained model has changed since it began.

    Raises:
        ConfigError: If it has.
        CatscaleError: If its folder cannot be read.
    """
    before = read_environment(folder).get("base") if (folder / "environment.json").exists() else None
    base = None if before is None else model.describe_base()
    if before is None or base is None or "fingerprint" not in before:
        return
    if base["fingerprint"] != before["fingerprint"]:
        raise ConfigError(
            f"the pre-trained model {base['path']} has changed since the run in {folder} began: fingerprint "
            f"{before['fingerprint'][:16]} there, {base['fingerprint'][:16]} now; restore it, or choose another folder "
            "with --out"
        )
