"""`catscale translate`: lines of text through a run's best model."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from catscale.data.direction import Direction
from catscale.errors import ConfigError
from catscale.evaluation.decoding.contract import ONE, Wanted
from catscale.evaluation.decoding.loading import load_decoder, load_ensemble
from catscale.evaluation.degenerate import count_degenerate
from catscale.evaluation.translate import Translation, choose_direction, one_line, translate_chunk
from catscale.model.decoders import decoders_of
from catscale.run.decoding import choose_run_device, load_decoding
from catscale.run.folder.best import best_folder
from catscale.run.folder.converted import converted_best
from catscale.run.folder.readback import run_directions
from catscale.system.console.messages import Say
from catscale.vocabulary.contract import Vocabulary
from catscale.vocabulary.table import load_vocabulary

LOOKED_AT = 10_000
"""Lines of which outputs that are no translations are counted."""


def translate(
    folder: Path,
    target: str,
    source: str | None,
    chunks: Iterable[Sequence[str]],
    device: str | None,
    say: Say,
    overrides: Sequence[str] = (),
    wanted: Wanted = ONE,
    ensemble: Sequence[Path] = (),
) -> Iterator[list[Translation]]:
    """Translate lines with the run's best model, one list of translations for each line in.

    Everything that can be refused is refused before the first line is read.

    Args:
        folder: The run's folder.
        target: Language to translate to.
        source: Language to translate from; None where only one direction leads to `target`.
        chunks: Lines, as many together as are to be decoded together.
        device: The device to compute on; None for the run's setting.
        say: Receives warnings.
        overrides: `evaluation.KEY=VALUE`.
        wanted: The number of translations of each line, and whether with scores.
        ensemble: Folders of more runs, whose models decode together with this one's; they have the same vocabulary.

    Returns:
        The translations of each line, the best one first.

    Raises:
        CatscaleError: If the run has no model or no such direction, or a setting is wrong.
    """
    config = load_decoding(folder, overrides)
    settings = config.evaluation
    wanted.check(settings)
    best = best_folder(folder, say)
    direction = _choose(folder, target, source, say)
    vocabulary = load_vocabulary(best)
    before = vocabulary.source_prefix(settings.tag)
    threads = config.training.threads
    into = partial(translate_chunk, vocabulary=vocabulary, direction=direction, wanted=wanted, before=before)
    if ensemble:
        folders = [best, *(find_member(run, folder, vocabulary, direction, say) for run in ensemble)]
        chosen = choose_run_device(config, device, ("huggingface",))
        decoder = load_ensemble(folders, vocabulary, settings, device=chosen, threads=threads, say=say)
        return _translate(chunks, partial(into, decoder=decoder), say)
    chosen = choose_run_device(config, device, decoders_of(best))
    with converted_best(folder, best, settings, chosen, say) as converted:
        decoder = load_decoder(best, vocabulary, settings, device=chosen, threads=threads, say=say, converted=converted)
    return _translate(chunks, partial(into, decoder=decoder), say)


def _choose(folder: Path, target: str, source: str | None, say: Say) -> Direction:
    """Choose the direction of translation, and say where the run was not trained on it."""
    direction = choose_direction(target, source, known := run_directions(folder))
    if direction not in known:
        say(f"note: {folder} was not trained on {direction}: what follows is translated without an example (zero-shot)")
    return direction


def find_member(run: Path, first: Path, vocabulary: Vocabulary, direction: Direction, say: Say) -> Path:
    """Find the model of a run that decodes together with another one.

    Args:
        run: The run's folder.
        first: The other one's.
        vocabulary: The other one's.
        direction: The direction that is translated.
        say: Receives warnings.

    Returns:
        The model's folder.

    Raises:
        ConfigError: If the run has another vocabulary, or was not trained on the direction.
        CatscaleError: If it has no model.
    """
    load_decoding(run)  # refuses what is no run
    best = best_folder(run, say)
    own = load_vocabulary(best)
    if not own.is_same(vocabulary):
        raise ConfigError(
            f"an ensemble needs one vocabulary, and {run} has another than {first}; give runs on the same data and "
            "vocabulary, as those of a sweep"
        )
    if direction not in (known := run_directions(run)):
        raise ConfigError(f"{run} does not translate {direction}; it has {', '.join(map(str, sorted(known)))}")
    return best


def _translate(
    chunks: Iterable[Sequence[str]], translate: Callable[[Sequence[str]], list[list[Translation]]], say: Say
) -> Iterator[list[Translation]]:
    """Translate chunk by chunk; at the end, note outputs that are no translations, among the first lines."""
    sources: list[str] = []
    best: list[Translation] = []
    for lines in chunks:
        found = translate(lines)
        if len(sources) < LOOKED_AT:
            sources += map(one_line, lines)
            best += [translations[0] for translations in found]
        yield from found
    counted = count_degenerate([each.text for each in best], sources, [each.finished for each in best])
    if faults := counted.describe():
        say(f"note: {'; '.join(faults)}")
