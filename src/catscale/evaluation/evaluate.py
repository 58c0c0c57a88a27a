"""Scores of one split: translate every direction, compare with the references, keep both."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from catscale.data.direction import Direction
from catscale.errors import ConfigError
from catscale.evaluation.averages import average_scores
from catscale.evaluation.config import EvaluationConfig, group_by_resource
from catscale.evaluation.decoding.contract import ONE, Wanted
from catscale.evaluation.decoding.decoder import BeamDecoder
from catscale.evaluation.degenerate import Degenerate, warn_of
from catscale.evaluation.metrics.contract import Metric, Segments
from catscale.evaluation.metrics.scoring import choose_all, score
from catscale.evaluation.metrics.table import METRICS, in_order, list_telling, read_score
from catscale.evaluation.nll import SentenceNLL
from catscale.evaluation.translate import one_line, translate_chunk
from catscale.evaluation.translations import SplitTexts, Translations
from catscale.system.console.messages import Say
from catscale.vocabulary.contract import Vocabulary

NOTHING = 0.05
"""A score below this is shown as 0.0."""
DoneCallback = Callable[[str, int, int], None]


class ReferencePairs(Protocol):
    """The sentence pairs of one direction and split."""

    def source_text(self) -> list[str]:
        """Return the source sentences."""

    def target_text(self) -> list[str]:
        """Return the reference translations, as many."""

    def further_references(self) -> list[list[str]]:
        """Return lists of more references, as many; an empty one is none."""


@dataclass(frozen=True)
class SplitData:
    """The split that is scored.

    Attributes:
        name: The name of the split, as in `test`.
        pairs: By direction, what to translate, and the references.
        nll: By direction, nats and target tokens of each sentence.
        train_sizes: Train pairs of these and of all other directions that were trained, which decide the resource
            groups together; 0 of a direction that was never trained, which belongs to none.
    """

    name: str
    pairs: Mapping[Direction, ReferencePairs]
    nll: Mapping[Direction, SentenceNLL]
    train_sizes: Mapping[Direction, int]

    def check(self) -> None:
        """Check that nothing is missing.

        Raises:
            ConfigError: If a direction has no NLL or no train size.
        """
        _check_complete(list(self.pairs), "NLL", self.nll)
        _check_complete(list(self.pairs), "number of train pairs", self.train_sizes)


@dataclass(frozen=True)
class Translator:
    """The search by which the split is translated.

    Attributes:
        decoder: Runs the beam search.
        vocabulary: Encodes sources and decodes translations.
        wanted: The number of translations of each sentence to keep, and whether with their log-probabilities.
        progress: Told, as they are decoded, the direction, how many of its sentences are done, and how many it has.
        before: Ids that stand before the pieces of each source (`Vocabulary.source_prefix`).
    """

    decoder: BeamDecoder
    vocabulary: Vocabulary
    wanted: Wanted = ONE
    progress: DoneCallback = lambda name, done, total: None
    before: Sequence[int] = ()

    def translate(self, direction: Direction, pairs: ReferencePairs) -> SplitTexts:
        """Translate one direction."""
        sources = [one_line(line) for line in pairs.source_text()]
        references = [one_line(line) for line in pairs.target_text()]

        def tell(done: int) -> None:
            self.progress(str(direction), done, len(sources))

        found = translate_chunk(sources, self.decoder, self.vocabulary, direction, self.wanted, tell, self.before)
        tell(len(sources))  # empty ones are not decoded
        further = [[one_line(line) for line in lines] for lines in pairs.further_references()]
        return SplitTexts(sources, references, found, further)


def evaluate_split(
    data: SplitData, translator: Translator, settings: EvaluationConfig, folder: Path, say: Say
) -> dict[str, Any]:
    """Translate and score all directions of a split.

    Writes `translations/SPLIT.en-xx.{src,ref,hyp,nll}` below `folder`, one sentence a line: the texts that were
    scored, and the nats and target tokens of each reference; beside them what a metric counts that keeps its counts.
    `.nbest` holds several translations of each sentence and `.scores` log-probabilities, where they are wanted; those
    of an earlier evaluation go.

    Args:
        data: The split.
        translator: The search by which it is translated.
        settings: Search, metrics and thresholds.
        folder: The run's folder.
        say: Receives a line per direction, and warnings.

    Returns:
        The content of `scores.json`: an entry per direction (`nll`, the metrics of the settings, `sentences`, and
        under `output` how many are no translations), `averages`, and `evaluation`, which records how they were made.

    Raises:
        ConfigError: If a direction has no NLL or no train size, or a metric cannot be computed.
    """
    data.check()
    section = settings.model_dump()
    chosen = {d: choose_all(settings.metrics, d.target, section) for d in data.pairs}  # fails before the decoding
    say_warnings({d.target for d in data.pairs}, settings, say)
    scores: dict[str, Any] = {}
    degenerate: dict[str, Degenerate] = {}
    for direction, pairs in data.pairs.items():
        name, kept = str(direction), Translations(folder, data.name, str(direction))
        texts = translator.translate(direction, pairs)
        kept.write(texts, translator.wanted)
        kept.write_lines("nll", data.nll[direction].lines())
        scored = _score(texts, direction, chosen[direction], kept)
        degenerate[name] = texts.count_degenerate()
        scores[name] = {"nll": data.nll[direction].mean, **scored, "output": degenerate[name].to_json()}
        say(_line(name, scores[name]))
    warn_of(degenerate, say)
    for line in _nothing_translated(scores):
        say(line)
    return scores | _describe(data, translator.decoder, scores, chosen, degenerate, settings)


def _score(texts: SplitTexts, direction: Direction, metrics: Sequence[Metric], kept: Translations) -> dict[str, Any]:
    """Score one direction, and write the statistics by sentence of metrics that keep them."""
    segments = Segments(texts.best, texts.references, direction.target, texts.sources, texts.further)
    counts = {metric.name: metric.count(segments) for metric in metrics if metric.kept}
    for name, rows in counts.items():
        kept.write_counts(name, rows)
    return score(segments, metrics, counts)


def _describe(
    data: SplitData,
    decoder: BeamDecoder,
    scores: Mapping[str, Any],
    chosen: Mapping[Direction, Sequence[Metric]],
    degenerate: Mapping[str, Degenerate],
    settings: EvaluationConfig,
) -> dict[str, Any]:
    """Return `averages` and `evaluation`, which follow the directions' entries."""
    sizes = {str(direction): data.train_sizes[direction] for direction in data.pairs}
    every = group_by_resource({str(direction): size for direction, size in data.train_sizes.items() if size}, settings)
    groups = {name: every[name] for name, size in sizes.items() if size}
    by_metric = zip(*chosen.values(), strict=True)
    records = [own[0].record(dict(zip(map(str, chosen), own, strict=True))) for own in by_metric]
    evaluation = {
        "split": data.name,
        "decoder": decoder.backend.name,
        "truncated_sources": decoder.truncated,
        "degenerate": {name: found.describe() for name, found in degenerate.items() if found.describe()},
        "settings": settings.model_dump(mode="json"),
        "train_pairs": sizes,
        "resource_groups": groups,
    }
    for record in records:
        evaluation |= record
    return {"averages": average_scores(scores, groups), "evaluation": evaluation}


def _check_complete(directions: Sequence[Direction], what: str, values: Mapping[Direction, object]) -> None:
    missing = [str(direction) for direction in directions if direction not in values]
    if missing:
        raise ConfigError(
            f"every evaluated direction needs a {what}, found none for {', '.join(missing)}; "
            f"there is one for {', '.join(map(str, values)) or 'no direction'}; leave the others out"
        )


def say_warnings(languages: set[str], settings: EvaluationConfig, say: Say) -> None:
    """Say what makes scores in a target language not quite comparable with others', such as a replaced tokenizer."""
    section = settings.model_dump()
    for language in sorted(languages):
        for line in [line for metric in settings.metrics for line in metric.warn(language, section)]:
            say(f"warning: {line}")


def _line(name: str, entry: Mapping[str, Any]) -> str:
    shown = (f"{METRICS[key].label} {read_score(entry, key):.{METRICS[key].digits}f}" for key in in_order(entry))
    return f"{name}  {'  '.join(shown)}  ({entry['sentences']} sentences)"


def _nothing_translated(scores: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """List warnings of metrics that are 0.0 in every direction, where that says that the model does not translate."""
    names = in_order(next(iter(scores.values()), {}))
    return [
        f"warning: {METRICS[name].label} is 0.0 in every direction: the model does not translate yet; look at "
        f"{list_telling(names)}"
        for name in names
        if METRICS[name].least is not None and all(entry[name]["score"] < NOTHING for entry in scores.values())
    ]
