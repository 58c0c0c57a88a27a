"""The backends of beam search that can run a saved model, known without PyTorch where it is a plain one."""

from collections.abc import Sequence
from pathlib import Path

from catscale.model.saved_config import DECODERS, PLAIN, read_architecture


def decoders_of(folder: Path) -> Sequence[str]:
    """List the backends of beam search that can run a saved model, the preferred one first.

    Raises:
        CheckpointError: If `config.json` is missing or damaged, or names an architecture that there is not.
    """
    if read_architecture(folder) == PLAIN:
        return DECODERS
    from catscale.model.table import architecture_of

    return architecture_of(folder).decoders
