"""Passing over what is not finite, see `training.on_nonfinite`."""

from catscale.errors import DivergedError
from catscale.training.config import TrainingConfig
from catscale.training.records.reporter import Reporter


def skip(config: TrainingConfig, reporter: Reporter, error: DivergedError, in_a_row: int) -> None:
    """Pass over the present step, or its move of the sampler.

    Args:
        config: Says whether such steps are skipped, and how many in a row.
        reporter: Records it, and knows where the run stands.
        error: The error that it raised.
        in_a_row: The number of the latest ones in a row, this one included.

    Raises:
        DivergedError: If it is not to be skipped, or has occurred too often in a row.
    """
    skips = reporter.progress.skips
    skips.total += 1
    if config.on_nonfinite == "skip" and in_a_row <= config.max_skipped:
        reporter.tell_skip(error, in_a_row)
        return
    text = f"step {reporter.progress.step}: {error}"
    if config.on_nonfinite == "skip":
        text += f"; {in_a_row} in a row, {skips.total} in all, training.max_skipped is {config.max_skipped}"
    raise DivergedError(f"{text}; the last good checkpoint is kept", error.what, error.task) from error
