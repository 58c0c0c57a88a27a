"""The numbers of `metrics.jsonl` once more, for TensorBoard."""

import math
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from catscale.errors import ConfigError
from catscale.system.writing.files import make_own_folder, user_errors


class TensorBoardLog:
    """Writes every number of a record as a scalar, named by its place in the record: `valid/nll/en-az`.

    Args:
        folder: `RUN/tensorboard`; made when missing.
        step: The update that the run goes on after; what was written for later ones is no longer shown.

    Raises:
        ConfigError: If the package tensorboard is not installed.
    """

    def __init__(self, folder: Path, step: int) -> None:
        try:
            module = import_module("torch.utils.tensorboard")
        except ImportError as error:
            raise ConfigError(
                "training.tensorboard is true, and the package tensorboard is not installed; "
                "pip install 'catscale[tensorboard]', or set it to false"
            ) from error
        with user_errors("write", folder):
            make_own_folder(folder)
            self._writer = module.SummaryWriter(str(folder), purge_step=step + 1 if step else None)

    def write(self, kind: str, step: int, record: Mapping[str, Any]) -> None:
        """Add the numbers of one record."""
        for name, value in find_scalars(record, kind):
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Write what is held back."""
        self._writer.close()


def find_scalars(content: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, float]]:
    """Yield every finite number in nested mappings, with its path.

    Example:
        >>> list(find_scalars({"mean": 1.5, "nll": {"en-az": 2, "en-fr": None}, "note": "x"}, "valid"))
        [('valid/mean', 1.5), ('valid/nll/en-az', 2.0)]
    """
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from find_scalars(value, f"{prefix}/{key}")
        elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            yield f"{prefix}/{key}", float(value)
