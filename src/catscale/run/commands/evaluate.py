"""`catscale evaluate`: the scores of a run's best model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from catscale.data.direction import Direction
from catscale.data.preparation.unknown_pieces import warn_of_unknown
from catscale.data.store.store import Pairs, Store
from catscale.data.store.tagged_pairs import TaggedPairs
from catscale.errors import CatscaleError, ConfigError, DataError
from catscale.evaluation.config import EvaluationConfig, name_metrics
from catscale.evaluation.decoding.choice import HALVES, settle_search
from catscale.evaluation.decoding.contract import ONE, Wanted
from catscale.evaluation.decoding.decoder import BeamDecoder
from catscale.evaluation.decoding.loading import load_decoder
from catscale.evaluation.evaluate import SplitData, Translator, evaluate_split
from catscale.evaluation.meter import Watch
from catscale.evaluation.metrics.scoring import check_at_hand
from catscale.evaluation.metrics.table import METRICS, list_telling
from catscale.evaluation.nll import measure_sentences
from catscale.model.decoders import decoders_of
from catscale.model.table import load_model
from catscale.run.config import RunConfig
from catscale.run.decoding import check_overrides, import_metrics
from catscale.run.device import choose_device
from catscale.run.folder.best import best_folder, find_step_of_best, frozen_best
from catscale.run.folder.converted import converted_best
from catscale.run.folder.own_store import check_vocabulary, find_store
from catscale.run.folder.places import BASE, choose_place
from catscale.run.folder.readback import name_scores_file, read_scores
from catscale.run.folder.run_folder import check_places, load_run
from catscale.run.folder.run_lock import hold_lock
from catscale.run.folder.step_zero import check_has_base, first_model
from catscale.system.console.messages import Say
from catscale.system.console.progress import ProgressView
from catscale.system.writing.files import clear_leftovers, targets_of_leftovers, write_json
from catscale.system.writing.places import check_file, working_in
from catscale.training.checkpointing.best_step import read_average
from catscale.vocabulary.contract import Vocabulary
from catscale.vocabulary.table import load_vocabulary


def evaluate(
    folder: Path,
    split: str,
    device: str | None,
    say: Say,
    overrides: Sequence[str] = (),
    wanted: Wanted = ONE,
    names: Sequence[str] | None = None,
    model: str = "best",
) -> dict[str, Any]:
    """Score the run's best model on a split; writes `scores.json` and `translations/`.

    Args:
        folder: The run's folder.
        split: "dev" or "test". `scores.json` holds test, `scores.dev.json` dev.
        device: The device to compute on; None for the run's setting.
        say: Receives a line per direction.
        overrides: `evaluation.KEY=VALUE`, of this evaluation alone.
        wanted: The number of translations of each sentence to keep, and whether with their log-probabilities.
        names: The names of the directions to score; None for all that have the split.
        model: "best"; or the best of a kind, "single", "last" or "ema", whose files are written to `averages/KIND/`; or
            "base", the model that the run began with, whose files are written to `base/`.

    Returns:
        The content of the file.

    Raises:
        CatscaleError: If the run has no model, its data have no such split, or another process evaluates it.
    """
    check_overrides(overrides, "evaluate")
    config = load_run(folder, overrides)
    wanted.check(config.evaluation)
    config = config.model_copy(update={"evaluation": import_metrics(config.evaluation, overrides)})
    check_at_hand(config.evaluation.metrics)
    place = choose_place(folder, model)
    if model == BASE:
        check_has_base(folder, config)
    best = None if model == BASE else best_folder(folder, say, place)
    chosen = choose_device(config.training.device if device is None else device)
    if config.training.threads is not None:
        torch.set_num_threads(config.training.threads)
    with working_in(folder), hold_lock(folder, "evaluate"):
        check_places(folder)
        check_file(name_scores_file(place, split))
        scores = (path for path in targets_of_leftovers(place) if path.name.startswith("scores"))
        for target in [*scores, *targets_of_leftovers(place / "translations")]:
            clear_leftovers(target)
        store = find_store(folder, config, say)
        with first_model(folder, config, store) if best is None else frozen_best(folder, best) as found:
            return _evaluate(_Order(folder, place, found, store, config, split, chosen, say, wanted), names)


@dataclass(frozen=True)
class _Order:
    """An evaluation that is asked for.

    Attributes:
        run: The run's folder.
        place: The folder that the scores and translations are written to.
        model: The folder of the model.
        store: The data that the run was trained on.
        config: The run's configuration.
        split: "dev" or "test".
        device: The device to compute on.
        say: Receives lines.
        wanted: The number of translations of each sentence to keep, and whether with their log-probabilities.
    """

    run: Path
    place: Path
    model: Path
    store: Store
    config: RunConfig
    split: str
    device: torch.device
    say: Say
    wanted: Wanted


def _evaluate(order: _Order, names: Sequence[str] | None) -> dict[str, Any]:
    """Evaluate with everything found."""
    store, split, say = order.store, order.split, order.say
    directions, without = choose_scored(store, split, names)
    if without:
        say(f"warning: {', '.join(map(str, without))}: there is no {split} split, so that nothing is scored")
    vocabulary = load_vocabulary(order.model)
    settings = _settle(order, vocabulary)
    before = vocabulary.source_prefix(settings.tag)
    pairs = {d: tagged(store.split(split, d), before) for d in directions}
    warn_of_unknown(store.statistics, say, [split])
    sentences = sum(map(len, pairs.values()))
    check_vocabulary(order.run, vocabulary, store)
    step = find_step_of_best(order.run, order.config.training.select_by, order.model)
    average = read_average(order.model)
    at = "of an unknown step" if step is None else f"of step {step:,}{f', {average},' if average else ''}"
    say(f"scoring the model {at} on {split}: {len(directions)} directions, {sentences:,} sentences")
    say_replaced(order.place, split, settings, list(map(str, directions)), say)
    with ProgressView(sentences, 0, f"NLL, {split}") as view:
        model = load_model(order.model).to(order.device)
        half = getattr(torch, settings.precision) if settings.precision in HALVES else None
        nll = measure_sentences(model, pairs, vocabulary, progress=Watch(view).tell, autocast=half)
        del model
    decoder = _load_decoder(order, vocabulary, settings)
    with ProgressView(sentences, 0, f"translating {split}") as view:
        data = SplitData(split, pairs, nll, count_train(store, directions))
        translator = Translator(decoder, vocabulary, order.wanted, Watch(view).tell, before)
        scores = evaluate_split(data, translator, settings, order.place, say)
    scores["evaluation"] |= {"step": step, "average": average, "not_scored": [str(d) for d in without]}
    write_json(name_scores_file(order.place, split), scores)
    for hint in list_too_early([scores[str(d)] for d in directions], step):
        say(hint)
    return scores


def tagged(pairs: Pairs, before: Sequence[int]) -> Pairs:
    """Return pairs whose sources begin with the tag of a corpus, where there is one."""
    return TaggedPairs(pairs, before[0]) if before else pairs


def count_train(store: Store, directions: Sequence[Direction]) -> dict[Direction, int]:
    """Count the train pairs of all trained directions and of those that are scored, 0 of one that is not trained."""
    every = {*store.directions, *directions}
    return {d: len(store.split("train", d)) if d in store.directions else 0 for d in every}


def _settle(order: _Order, vocabulary: Vocabulary) -> EvaluationConfig:
    """Return the settings with the precision and the size of a batch that they leave open, as they go on record."""
    settings = order.config.evaluation
    settled = settle_search(settings, str(order.device), decoders_of(order.model), vocabulary.has_tokenizer)
    return settings.model_copy(update={"precision": settled.precision, "batch_tokens": settled.batch_tokens})


def _load_decoder(order: _Order, vocabulary: Vocabulary, settings: EvaluationConfig) -> BeamDecoder:
    """Load the search, its conversion kept beside the scores."""
    device = str(order.device)
    with converted_best(order.place, order.model, settings, device, order.say) as converted:
        threads = torch.get_num_threads()
        return load_decoder(
            order.model, vocabulary, settings, device=device, threads=threads, say=order.say, converted=converted
        )


def list_too_early(entries: Sequence[Mapping[str, Any]], step: int | None) -> list[str]:
    """List what to say where no direction is translated yet; nothing where one is.

    Args:
        entries: Scores of each direction.
        step: The step of the model, where it is known.
    """
    after = "" if step is None else f" after {step:,} steps"
    return [
        f"warning: {metric.label} is below {metric.least:g} in every direction: the model does not translate yet"
        f"{after}; train on (training.max_steps), and look at {list_telling(entries[0].keys() & METRICS)}, which move "
        f"before {metric.label} does"
        for name, metric in METRICS.items()
        if metric.least is not None and all(name in entry and entry[name]["score"] < metric.least for entry in entries)
    ]


def choose_scored(store: Store, split: str, names: Sequence[str] | None) -> tuple[list[Direction], list[Direction]]:
    """Choose the directions that are scored.

    Args:
        store: The run's data.
        split: "dev" or "test".
        names: The requested names; None for all.

    Returns:
        The directions that are scored, and those that are not because they have no such split: trained ones of all.

    Raises:
        ConfigError: If one that is asked for is not the run's.
        DataError: If one that is asked for has no such split, or none has.
    """
    every = [*store.directions, *store.zero_shot]
    known = {str(direction): direction for direction in every}
    if names is not None:
        if unknown := [name for name in names if name not in known] or ([] if names else ["none"]):
            raise ConfigError(
                f"--directions must name directions of the run, found {', '.join(unknown)}; it has {', '.join(known)}"
            )
        every = [known[name] for name in dict.fromkeys(names)]
    lacking = [direction for direction in every if not store.has_split(split, direction)]
    if names is None and len(lacking) == len(every):
        raise DataError(f"no direction has a {split} split; choose another with --split, or add one to the data")
    if lacking and names is not None:
        raise DataError(
            f"{', '.join(map(str, lacking))} {'has' if len(lacking) == 1 else 'have'} no {split} split; choose other "
            "directions with --directions, another split with --split, or add the files to the data and train again"
        )
    return [d for d in every if d not in lacking], lacking


def say_replaced(folder: Path, split: str, settings: EvaluationConfig, directions: Sequence[str], say: Say) -> None:
    """Say how scores that are there, and are now replaced, were made otherwise.

    Args:
        folder: The run's.
        split: The split of the scores.
        settings: The settings of the new scores.
        directions: The directions of the new scores.
        say: Receives one line.
    """
    path = name_scores_file(folder, split)
    try:
        before = read_scores(folder, split) if path.is_file() else {}
    except CatscaleError:
        return  # damaged, so that nothing is lost
    made = before.get("evaluation", {})
    new = settings.model_dump(mode="json")
    differing = [
        f"{key} {old!r}, now {new.get(key)!r}"
        for key, old in name_metrics(made.get("settings") or {}).items()
        if old != new.get(key)
    ]
    gone = [name for name in made.get("train_pairs") or {} if name not in directions]
    differing += [f"scores of {', '.join(gone)}, now without"] if gone else []
    if differing:
        say(f"note: {path} is replaced; it was made with {'; '.join(differing)}")
