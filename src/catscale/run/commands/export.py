"""`catscale export`: a run's best model as a folder that other programs load."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch

from catscale.data.direction import list_languages
from catscale.errors import ConfigError
from catscale.evaluation.config import EvaluationConfig
from catscale.run.exporting.card import CARD, write_card
from catscale.run.exporting.card_facts import CardFacts, read_facts
from catscale.run.exporting.equality import Equality, compare_with, translate_by_run
from catscale.run.exporting.form import CHECKED, ExportFormat
from catscale.run.exporting.formats import name_tags, write_model
from catscale.run.exporting.plain_models import PlainModel, plain_models
from catscale.run.exporting.sentences import choose_sentences
from catscale.run.exporting.serving import show_use
from catscale.run.folder.best import best_folder, frozen_best
from catscale.run.folder.run_folder import load_run
from catscale.run.folder.run_lock import hold_lock
from catscale.system.console.messages import Say
from catscale.system.writing.files import copy_file, make_folder, new_folder, write_text
from catscale.system.writing.manifest import write_manifest
from catscale.system.writing.places import find_kind, working_in
from catscale.vocabulary.contract import Vocabulary
from catscale.vocabulary.table import load_vocabulary


def export(run: Path, form: ExportFormat, out: Path, say: Say, check: int = CHECKED) -> None:
    """Write a run's best model for other programs, with a card, and compare its translations with the run's.

    Nothing is left at `out` where something is refused.

    Args:
        run: The run's folder.
        form: The requested form.
        out: The folder to write; it is not there yet, or empty.
        say: Receives progress.
        check: The number of sentences to compare, over all directions; 0 for none.

    Raises:
        CatscaleError: If the run has no model or none that other programs load, if `out` is not empty, or if the
            exported model translates otherwise.
    """
    form.check()
    out = Path(os.path.realpath(out))
    check_empty(out)
    config = load_run(run)
    if config.training.threads is not None:
        torch.set_num_threads(config.training.threads)
    with _still(run, best_folder(run, say)) as best:
        vocabulary = load_vocabulary(best)
        if not vocabulary.has_tokenizer:
            raise ConfigError(
                f"the vocabulary of {run}, kind {vocabulary.kind}, has no Hugging Face tokenizer, which other programs "
                "cut text with; train with a vocabulary.kind that has one, or translate with `catscale translate`"
            )
        facts = read_facts(run, config, best, say)
        with plain_models(best, facts.directions, vocabulary) as models, new_folder(out) as folder:
            Exporter(run, facts, form, vocabulary, say).write(best, models, folder, out.name, check)
    say(f"{form.label}: {out}")


class Exporter:
    """Writes the models of one export.

    Args:
        run: The run's folder.
        facts: The known facts of the run.
        form: The requested form.
        vocabulary: The vocabulary of the run's model.
        say: Receives progress.
    """

    def __init__(self, run: Path, facts: CardFacts, form: ExportFormat, vocabulary: Vocabulary, say: Say) -> None:
        self._run, self._facts, self._form, self._say = run, facts, form, say
        self._vocabulary = vocabulary
        self._languages = list_languages(facts.directions)

    @property
    def _settings(self) -> EvaluationConfig:
        return self._facts.config.evaluation

    def write(self, best: Path, models: list[PlainModel], folder: Path, name: str, check: int) -> None:
        """Write all models, compare them, and write the card.

        Args:
            best: The run's model.
            models: The plain models that stand for it.
            folder: An empty folder.
            name: The name that it will have, for the card.
            check: The number of sentences to compare.
        """
        for model in models:
            self._say(f"writing {model.name or 'the model'}: {self._form.label}")
            target = folder / model.name
            make_folder(target)
            write_model(self._form, model.folder, self._vocabulary, self._settings, target)
        tags = name_tags(folder / models[0].name, self._vocabulary, self._languages)
        equality = self._compare(best, models, folder, tags, check)
        for path in self._facts.licence_files:
            copy_file(path, folder / path.name)
        first = models[0]
        source, target_language = first.directions[0].source, first.directions[0].target
        place = f"{name}/{first.name}".rstrip("/")
        use = show_use(self._form, place, (tags[source], tags[target_language]), self._settings)
        write_text(folder / CARD, write_card(self._facts, self._form, tags, use, equality.describe()))
        write_manifest(folder)

    def _compare(
        self, best: Path, models: list[PlainModel], folder: Path, tags: dict[str, str], count: int
    ) -> Equality:
        """Compare the written models' translations with the run's."""
        config, facts = self._facts.config, self._facts
        fingerprint = facts.environment.get("data_fingerprint")
        sentences = choose_sentences(self._run, config, fingerprint, facts.directions, count)
        found = Equality((), (), ())
        if not sentences:
            if count:
                self._say(
                    "note: no held-out sentences are at hand, so nothing is compared; `catscale evaluate` keeps some"
                )
            return found
        self._say(f"comparing translations of {sum(map(len, sentences.values()))} sentences with the run's")
        own = translate_by_run(best, self._vocabulary, self._settings, sentences, self._say)
        for model in models:
            part = replace(own, found={d: own.found[d] for d in model.directions if d in own.found})
            found += compare_with(self._form, folder / model.name, tags, part, self._settings)
        found.check(self._form, self._say)
        return found


def check_empty(out: Path) -> None:
    """Refuse a place where something is: an exported model is its owner's, and is never replaced.

    Raises:
        ConfigError: If there is.
    """
    if find_kind(out) not in (None, "a folder"):
        raise ConfigError(f"--out {out} is {find_kind(out)}; name a new folder")
    if out.is_dir() and (found := sorted(path.name for path in out.iterdir())):
        raise ConfigError(
            f"--out {out} is not empty: it holds {found[0]!r}; an exported model replaces nothing: name a new folder, "
            "or remove what is there"
        )


@contextmanager
def _still(run: Path, best: Path) -> Iterator[Path]:
    """Give the run's model so that training does not replace it meanwhile, where its folder can be written to."""
    if not os.access(run, os.W_OK):
        yield best
        return
    with working_in(run), hold_lock(run, "evaluate"), frozen_best(run, best) as frozen:
        yield frozen
