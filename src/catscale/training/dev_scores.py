"""Scores of translations of a part of dev while a run is training: BLEU, and what else is quick to compute."""

from collections.abc import Mapping
from typing import Any

from catscale.data.direction import Direction
from catscale.data.store.sampled_pairs import take_part
from catscale.data.store.store import Pairs
from catscale.distributed.processes import Processes
from catscale.errors import ConfigError
from catscale.evaluation.config import EvaluationConfig
from catscale.evaluation.decoding.decoder import BeamDecoder
from catscale.evaluation.decoding.huggingface import HuggingFaceBackend
from catscale.evaluation.metrics.contract import Metric, Segments
from catscale.evaluation.metrics.scoring import check_at_hand, choose_all, score
from catscale.evaluation.metrics.table import MAIN, read_metric
from catscale.evaluation.translate import one_line, translate_lines
from catscale.model.contract import TranslationModel
from catscale.model.mode import in_mode
from catscale.vocabulary.contract import Vocabulary


class DevScores:
    """Translates a few held-out sentences of each direction with the model as it is, by greedy search.

    They are the same sentences at every validation and in every run on the data. The scores are for watching: what
    `catscale evaluate` gives has the whole split and the beam of `evaluation.beam`.

    Args:
        size: Sentences of each direction.
        settings: Lengths and tokenizers; the beam is 1.
        validation: All held-out pairs by direction.
        vocabulary: The run's vocabulary.
        processes: The processes that share the directions.
        sharded: Whether each process holds a part of every parameter.

    Raises:
        ConfigError: If it does.
    """

    def __init__(
        self,
        size: int,
        settings: EvaluationConfig,
        validation: Mapping[Direction, Pairs],
        vocabulary: Vocabulary,
        processes: Processes,
        sharded: bool = False,
    ) -> None:
        if sharded:
            raise ConfigError(
                "training.validate_bleu translates with whole parameters, and training.sharded splits them; set one "
                "of them to its default (null, false)"
            )
        self.settings = settings.model_copy(
            update={"beam": 1, "draw_temperature": None, "backend": "huggingface", "precision": "float32"}
        )
        self.metrics = list_quick(settings)
        check_at_hand(self.metrics)
        self.vocabulary, self.processes = vocabulary, processes
        self.pairs = take_part(validation, size)

    def measure(self, model: TranslationModel) -> dict[str, dict[str, float]]:
        """Score the directions, the same on all processes; the model is left in the mode that it was in.

        Args:
            model: Translates.

        Returns:
            Metric → direction → score.
        """
        names = [metric.name for metric in self.metrics]
        mine = list(self.pairs)[self.processes.rank :: self.processes.size]
        found = {f"{metric} {direction}": 0.0 for metric in names for direction in self.pairs}
        decoder = BeamDecoder(HuggingFaceBackend(model, self.settings), self.vocabulary, self.settings, _quiet)
        with in_mode(model, False):
            for direction in mine:
                scores = self._score(decoder, direction)
                found |= {f"{metric} {direction}": float(scores[metric]["score"]) for metric in names}
        summed = self.processes.sum_table(found)
        return {metric: {str(d): summed[f"{metric} {d}"] for d in self.pairs} for metric in names}

    def _score(self, decoder: BeamDecoder, direction: Direction) -> dict[str, Any]:
        pairs = self.pairs[direction]
        sources = [one_line(line) for line in pairs.source_text()]
        references = [one_line(line) for line in pairs.target_text()]
        hypotheses = list(translate_lines(sources, decoder, self.vocabulary, direction, chunk=len(sources) or 1))
        chosen = choose_all(self.metrics, direction.target, self.settings.model_dump())
        return score(Segments(hypotheses, references, direction.target, sources), chosen)


def list_quick(settings: EvaluationConfig) -> list[Metric]:
    """List the metrics that a validation computes: those of the settings that are quick to count, and BLEU."""
    quick = [metric for metric in settings.metrics if not metric.kept]
    return quick if any(metric.name == MAIN for metric in quick) else [read_metric(MAIN), *quick]


def _quiet(line: str) -> None:
    """Pass over warnings: `catscale evaluate` gives them once."""
