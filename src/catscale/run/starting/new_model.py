"""The sections of a first configuration that begin from nothing: vocabulary, model, optimiser."""

from catscale.corpus_statistics.volume import Volume
from catscale.run.starting.document import comment
from catscale.run.starting.first_settings import FirstSettings


def write_new_model(chosen: FirstSettings, volume: Volume) -> list[str]:
    """Return the lines of vocabulary, model and optimiser for a training from nothing.

    Args:
        chosen: The settings.
        volume: The train text.
    """
    why = f"{volume.total:,} train pairs in all, so the preset is {chosen.preset}"
    return [
        "vocabulary:",
        f"  size: {chosen.pieces}   # pieces, for {volume.alphabet:,} different characters",
        "",
        *comment(f"{why}: tiny is for thousands of pairs, small for a processor, ted and base are for a GPU."),
        "model:",
        f"  preset: {chosen.preset}   # tiny | small | ted | base | big; every size can be given beside it",
        "  # dropout: 0.3   # where the validation rises again while the training goes on; the default is 0.1",
        "",
        "optimizer:",
        f"  warmup_steps: {chosen.warmup_steps}",
    ]
