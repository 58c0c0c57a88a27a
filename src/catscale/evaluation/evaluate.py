"""Scores of one split: translate every direction, compare with the references, keep both."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from catscale.data.direction import Direction
from catscale.errors import ConfigError
from catscale.evaluation.averages import average_scores
from catscale.evaluation.config import EvaluationConfig, resource_groups
from catscale.evaluation.decoding.contract import ONE, Wanted
from catscale.evaluation.decoding.decoder import BeamDecoder
from catscale.evaluation.degenerate import Degenerate, warn_of
from catscale.evaluation.metrics.bleu_tokenizers import choose_tokenizer, expected_tokenizer
from catscale.evaluation.metrics.scoring import count_edits, score
from catscale.evaluation.nll import SentenceNLL
from catscale.evaluation.translate import one_line, translate_chunk
from catscale.evaluation.translations import Texts, Translations
from catscale.vocabulary.contract import Vocabulary

NOTHING = 0.05
"""A BLEU below this is shown as 0.0."""


class Pairs(Protocol):
    """The sentence pairs of one direction and split."""

    def source_text(self) -> list[str]:
        """Source sentences."""

    def target_text(self) -> list[str]:
        """Reference translations, as many."""

    def further_references(self) -> list[list[str]]:
        """Lists of more references, as many; an empty one is none."""


def evaluate_split(
    decoder: BeamDecoder,
    vocabulary: Vocabulary,
    pairs_by_direction: Mapping[Direction, Pairs],
    nll_by_direction: Mapping[Direction, SentenceNLL],
    train_sizes: Mapping[Direction, int],
    settings: EvaluationConfig,
    folder: Path,
    split: str,
    say: Callable[[str], None],
    wanted: Wanted = ONE,
    progress: Callable[[str, int, int], None] = lambda name, done, total: None,
) -> dict[str, Any]:
    """Translate and score all directions of a split.

    Writes `translations/SPLIT.en-xx.{src,ref,hyp,nll}` below `folder`, one sentence a line: the texts that were
    scored, and the nats and target tokens of each reference. `.nbest` holds several translations of each sentence and
    `.scores` log-probabilities, where they are wanted; those of an earlier evaluation go.

    Args:
        decoder: Runs the beam search.
        vocabulary: Encodes sources and decodes translations.
        pairs_by_direction: What to translate, and the references.
        nll_by_direction: Nats and target tokens of each sentence.
        train_sizes: Train pairs of these and of all other directions that were trained, which decide the resource
            groups together; 0 of a direction that was never trained, which belongs to none.
        settings: Search, metrics and thresholds.
        folder: The run's folder.
        split: Name of the split, as in `test`.
        say: Receives a line a direction, and warnings.
        wanted: How many translations of each sentence are kept, and whether with their log-probabilities.
        progress: Told, as they are decoded, the direction, how many of its sentences are done, and how many it has.

    Returns:
        The content of `scores.json`: an entry a direction (`nll`, `bleu`, `chrf`, `ter` where it is asked for,
        `sentences`, and under `output` how many are no translations), `averages`, and `evaluation`, which records how
        they were made.

    Raises:
        ConfigError: If a direction has no NLL or no train size, or its BLEU tokenizer is not installed.
    """
    directions = list(pairs_by_direction)
    _check_complete(directions, "NLL", nll_by_direction)
    _check_complete(directions, "number of train pairs", train_sizes)
    bleu_tokenizers = {str(d): choose_tokenizer(d.target, settings) for d in directions}  # fails before the decoding
    say_missing_tokenizers({d.target for d in directions}, settings, say)
    scores: dict[str, Any] = {}
    degenerate: dict[str, Degenerate] = {}
    for direction in directions:
        name, nll = str(direction), nll_by_direction[direction]
        kept = Translations(folder, split, name)
        texts = _translate(decoder, vocabulary, direction, pairs_by_direction[direction], wanted, progress)
        kept.write(texts, wanted)
        kept.write_lines("nll", nll.lines())
        scored = score(texts.best, texts.references, direction.target, settings, texts.further)
        if settings.ter:
            kept.write_edits(count_edits(texts.best, texts.references, direction.target, texts.further))
        degenerate[name] = texts.count_degenerate()
        scores[name] = {"nll": nll.mean, **scored, "output": degenerate[name].to_json()}
        say(_line(name, scores[name]))
    warn_of(degenerate, say)
    if all(entry["bleu"]["score"] < NOTHING for entry in scores.values()):
        say("warning: BLEU is 0.0 in every direction: the model does not translate yet; look at NLL and chrF")
    sizes = {str(direction): train_sizes[direction] for direction in directions}
    every = resource_groups({str(direction): size for direction, size in train_sizes.items() if size}, settings)
    groups = {name: every[name] for name, size in sizes.items() if size}
    return {
        **scores,
        "averages": average_scores(scores, groups),
        "evaluation": {
            "split": split,
            "decoder": decoder.backend.name,
            "truncated_sources": decoder.truncated,
            "degenerate": {name: found.describe() for name, found in degenerate.items() if found.describe()},
            "settings": settings.model_dump(),
            "train_pairs": sizes,
            "resource_groups": groups,
            "bleu_tokenizers": bleu_tokenizers,
        },
    }


def _check_complete(directions: list[Direction], what: str, values: Mapping[Direction, object]) -> None:
    missing = [str(direction) for direction in directions if direction not in values]
    if missing:
        raise ConfigError(
            f"every evaluated direction needs a {what}, found none for {', '.join(missing)}; "
            f"there is one for {', '.join(map(str, values)) or 'no direction'}; leave the others out"
        )


def _translate(
    decoder: BeamDecoder,
    vocabulary: Vocabulary,
    direction: Direction,
    pairs: Pairs,
    wanted: Wanted,
    progress: Callable[[str, int, int], None],
) -> Texts:
    """Translate one direction."""
    sources = [one_line(line) for line in pairs.source_text()]
    references = [one_line(line) for line in pairs.target_text()]
    found = translate_chunk(
        sources, decoder, vocabulary, direction, wanted, lambda done: progress(str(direction), done, len(sources))
    )
    progress(str(direction), len(sources), len(sources))  # empty ones are not decoded
    further = [[one_line(line) for line in lines] for lines in pairs.further_references()]
    return Texts(sources, references, found, further)


def say_missing_tokenizers(languages: set[str], settings: EvaluationConfig, say: Callable[[str], None]) -> None:
    """Warn of target languages whose usual BLEU tokenizer is not installed and is replaced by `char`."""
    for language in sorted(languages - settings.tokenizers.keys()):
        usual, used = expected_tokenizer(language), choose_tokenizer(language, settings)
        if usual != used:
            say(
                f"warning: BLEU of {language!r} uses the tokenizer {used}, because {usual} is not installed; "
                f"for scores comparable with others, pip install 'sacrebleu[{usual[:2]}]'"
            )


def _line(name: str, entry: Mapping[str, Any]) -> str:
    bleu, chrf = entry["bleu"]["score"], entry["chrf"]["score"]
    ter = f"  TER {entry['ter']['score']:.1f}" if "ter" in entry else ""
    return f"{name}  NLL {entry['nll']:.3f}  BLEU {bleu:.1f}  chrF {chrf:.1f}{ter}  ({entry['sentences']} sentences)"
