"""`catscale evaluate` and `catscale translate`: what acts on a finished run."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import torch

from catscale.data.direction import Direction
from catscale.data.prepare import prepare
from catscale.data.store import Store
from catscale.data.vocabulary import Vocabulary
from catscale.errors import CatscaleError, CheckpointError, DataError
from catscale.evaluation.decode import load_decoder
from catscale.evaluation.evaluate import evaluate_split
from catscale.evaluation.nll import measure_sentences
from catscale.evaluation.translate import choose_direction, translate_lines
from catscale.model.build import load_model
from catscale.run.best import best_folder, frozen_best
from catscale.run.config import RunConfig
from catscale.run.folder import check_places, load_run
from catscale.run.lock import hold_lock
from catscale.run.readback import read_environment, scores_path
from catscale.run.train import choose_device
from catscale.system.files import clear_leftovers, targets_of_leftovers, write_json
from catscale.system.places import check_file, working_in
from catscale.training.best_step import read_step
from catscale.training.metrics import find_best_step, read_metrics

Say = Callable[[str], None]


def evaluate(folder: Path, split: str, device: str | None, say: Say) -> dict[str, Any]:
    """Score the run's best model on a split; writes `scores.json` and `translations/`.

    Args:
        folder: The run's folder.
        split: "dev" or "test". `scores.json` holds test, `scores.dev.json` dev.
        device: Where to compute; None for the run's setting.
        say: Receives a line a direction.

    Returns:
        The content of the file.

    Raises:
        CatscaleError: If the run has no model, its data have no such split, or another process evaluates it.
    """
    config, best = load_run(folder), best_folder(folder, say)
    chosen = choose_device(device or config.training.device)
    if config.training.threads is not None:
        torch.set_num_threads(config.training.threads)
    with working_in(folder), hold_lock(folder, "evaluate"):
        check_places(folder)
        check_file(scores_path(folder, split))
        scores = (path for path in targets_of_leftovers(folder) if path.name.startswith("scores"))
        for target in [*scores, *targets_of_leftovers(folder / "translations")]:
            clear_leftovers(target)
        with frozen_best(folder, best) as frozen:
            return _evaluate(folder, config, frozen, split, chosen, say)


def _evaluate(
    folder: Path, config: RunConfig, best: Path, split: str, device: torch.device, say: Say
) -> dict[str, Any]:
    """The same with everything found."""
    store = find_store(folder, config, say)
    directions = [d for d in (*store.directions, *store.zero_shot) if store.has_split(split, d)]
    if not directions:
        raise DataError(f"no direction has a {split} split; choose another with --split, or add one to the data")
    pairs = {d: store.split(split, d) for d in directions}
    model, vocabulary = load_model(best).to(device), Vocabulary.load(best)
    check_vocabulary(folder, vocabulary, store)
    step = best_step(folder, config, best)
    nll = measure_sentences(model, pairs, vocabulary)
    del model
    decoder = load_decoder(best, vocabulary, config.evaluation, device=str(device), threads=None, say=say)
    scores = evaluate_split(
        decoder,
        vocabulary,
        pairs,
        nll,
        {d: len(store.split("train", d)) if d in store.directions else 0 for d in directions},
        config.evaluation,
        folder,
        split,
        say,
    )
    scores["evaluation"]["step"] = step
    write_json(scores_path(folder, split), scores)
    return scores


def translate(
    folder: Path, target: str, source: str | None, lines: Iterable[str], device: str | None, say: Say
) -> Iterator[str]:
    """Translate lines with the run's best model, one line out for each line in.

    Args:
        folder: The run's folder.
        target: Language to translate to.
        source: Language to translate from; None where only one direction leads to `target`.
        lines: Sentences.
        device: Where to compute; None for the run's setting.
        say: Receives warnings.

    Raises:
        CatscaleError: If the run has no model or no such direction.
    """
    config, best = load_run(folder), best_folder(folder, say)
    chosen = choose_device(device or config.training.device)
    vocabulary = Vocabulary.load(best)
    direction = choose_direction(target, source, run_directions(folder))
    threads = config.training.threads
    decoder = load_decoder(best, vocabulary, config.evaluation, device=str(chosen), threads=threads, say=say)
    return translate_lines(lines, decoder, vocabulary, direction)


def find_store(folder: Path, config: RunConfig, say: Say) -> Store:
    """The token store that the run was trained on; prepared again from the corpus where it is gone."""
    fingerprint = str(read_environment(folder).get("data_fingerprint"))
    stored = config.data.store / fingerprint[:16]
    if stored.is_dir():
        return Store.open(stored)
    store = prepare(config.data, config.vocabulary, say)
    if store.fingerprint != fingerprint:
        say(f"warning: the data have changed since {folder} was trained; held-out text may have been trained on")
    return store


def check_vocabulary(folder: Path, vocabulary: Vocabulary, store: Store) -> None:
    """Check that a store was prepared with the vocabulary of the run's model.

    Raises:
        DataError: If it was not.
    """
    if (vocabulary.model, vocabulary.languages) != (store.vocabulary.model, store.vocabulary.languages):
        raise DataError(
            f"the training data have changed since {folder} was trained: they give another vocabulary than the "
            "model's; restore them, or train again in a new folder"
        )


def best_step(folder: Path, config: RunConfig, best: Path | None = None) -> int | None:
    """Step of the model in `best`, as it tells itself; else that of the best validation, None where none is on record.

    Args:
        folder: The run's.
        config: Which validation chooses.
        best: The folder of the model, if it is not the run's `best`.
    """
    path, told = folder / "metrics.jsonl", read_step(best or folder / "best")
    if told is not None or not path.is_file():
        return told
    return find_best_step(read_metrics(path), config.training.select_by)


def run_directions(folder: Path) -> list[Direction]:
    """The directions that the run was trained on, without reading its data.

    Raises:
        CheckpointError: If `environment.json` does not name them.
    """
    sizes = read_environment(folder).get("train_pairs", {})
    try:
        return [Direction.parse(name) for name in sizes]
    except (TypeError, ValueError, AttributeError, CatscaleError) as error:
        raise CheckpointError(
            f"{folder / 'environment.json'} names no directions under train_pairs ({error}); restore it, or make the "
            "run again"
        ) from error
