"""The folder of a pre-trained model, looked at before PyTorch reads it: its class, its files, its sizes.

Nothing in it is executed or unpickled. It was named by a user, so that its files may be links, as those of the Hub's
cache are.
"""

import hashlib
import shlex
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from catscale.errors import CheckpointError, ConfigError
from catscale.model.saved_config import CONFIG, PLAIN, read_saved_config
from catscale.model.saved_tensors import WEIGHTS
from catscale.system.reading.json_file import SMALL, Limits, load_json
from catscale.system.reading.regular_file import MEBIBYTE, reason_of
from catscale.system.reading.schema import FileSchema
from catscale.vocabulary.pretrained.folder import check_place

INDEX = "model.safetensors.index.json"
PICKLES = "pytorch_model*.bin"
CLASS = "m2m_100"
ALLOWED = f"allowed is {CLASS}: NLLB-200 (not its mixture of experts), M2M-100, and the best model of a run of catscale"
CONVERSION = (
    "import glob, sys, torch; from safetensors.torch import save_file; w, seen = {}, {}; "
    f"[w.update(torch.load(p, 'cpu', weights_only=True)) for p in sorted(glob.glob(sys.argv[1] + '/{PICKLES}'))]; "
    "save_file({k: t.contiguous() for k, t in w.items() if seen.setdefault(t.data_ptr(), k) == k}, "
    f"sys.argv[1] + '/{WEIGHTS}', {{'format': 'pt'}})"
)
"""Reads tensors alone from a pickle, whatever else it holds, and writes tied ones once."""
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^/\\]+\.safetensors$")]


class _Class(FileSchema):
    """The kind of a model."""

    model_type: Annotated[str, Field(max_length=100)]
    architecture: Annotated[str, Field(max_length=100)] = PLAIN


class _Index(FileSchema):
    """The files that hold the tensors."""

    weight_map: dict[str, Name]


def check_folder(folder: Path) -> None:
    """Refuse a folder that holds no model of M2M-100's class in safetensors.

    Raises:
        ConfigError: If it is missing, of another class, or has pickles only.
        CheckpointError: If its `config.json` or its index is damaged.
    """
    read_sizes(folder)
    list_weights(folder)


def read_sizes(folder: Path) -> dict[str, Any]:
    """Read the sizes of the model by the names of `transformers.M2M100Config`.

    Raises:
        ConfigError: If the folder is missing, a run's, or its model of another class.
        CheckpointError: If `config.json` cannot be read.
    """
    check_place(folder)
    path = folder / CONFIG
    try:
        found = _Class.model_validate(load_json(path, _Class, SMALL, follow=True))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"model.pretrained {folder} holds no model: {CONFIG} cannot be read ({reason_of(error)}); give the folder "
            "that holds it"
        ) from error
    if found.model_type != CLASS or found.architecture != PLAIN:
        name = found.architecture if found.model_type == CLASS else found.model_type
        raise ConfigError(f"model.pretrained {folder} holds a model of the class {name[:80]!r}; {ALLOWED}")
    return read_saved_config(folder, follow=True).model_dump()


def list_weights(folder: Path) -> list[Path]:
    """List the files of the model's tensors: one, or those of an index.

    Raises:
        ConfigError: If there are none in safetensors.
        CheckpointError: If the index is damaged.
    """
    if (folder / WEIGHTS).exists():
        return [folder / WEIGHTS]
    if (folder / INDEX).exists():
        try:
            limits = Limits(16 * MEBIBYTE, 200_000)
            names = _Index.model_validate(load_json(folder / INDEX, _Index, limits, follow=True)).weight_map.values()
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{folder / INDEX} cannot be read ({reason_of(error)}); restore it") from error
        return [folder / name for name in sorted(set(names))]
    said = f"model.pretrained {folder} has no {WEIGHTS}"
    if any(folder.glob(PICKLES)):
        raise ConfigError(
            f"{said}, only a pickle, which may execute what it likes; convert it once, which executes nothing: "
            f'python -c "{CONVERSION}" {shlex.quote(str(folder))}'
        )
    raise ConfigError(f"{said} and no {INDEX}; give the folder of a whole model")


def describe_folder(folder: Path) -> dict[str, Any]:
    """Describe the model of a folder for a run's record: its path, and a checksum of its configuration and tensors.

    Raises:
        CatscaleError: If the folder holds no model.
    """
    read_sizes(folder)
    weights = list_weights(folder)
    total = hashlib.sha256()
    try:
        for path in (folder / CONFIG, *weights):
            with path.open("rb") as file:
                total.update(hashlib.file_digest(file, "sha256").digest())
    except OSError as error:
        raise CheckpointError(f"model.pretrained {folder} cannot be read ({reason_of(error)}); restore it") from error
    return {"path": str(folder.absolute()), "fingerprint": total.hexdigest()}
