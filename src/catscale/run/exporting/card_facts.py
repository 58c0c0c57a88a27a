"""The facts of a model card: read from a run's configuration, its record and its scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catscale.comparison.grouping import list_deciding_settings
from catscale.comparison.naming import name_methods
from catscale.data.direction import Direction
from catscale.errors import CatscaleError
from catscale.run.config import RunConfig
from catscale.run.folder.base_model import LICENCE
from catscale.run.folder.best import find_step_of_best
from catscale.run.folder.readback import name_scores_file, read_environment, read_scores
from catscale.system.console.messages import Say


@dataclass(frozen=True)
class CardFacts:
    """The facts of a card.

    Attributes:
        name: The name of the run.
        sizes: Training pairs by direction.
        scores: The content of `scores.json`; empty where the run was not evaluated.
        method: The method, as a comparison names it.
        config: The configuration of the run.
        step: The step of the model; None where it is not known.
        environment: The run's record.
        licence_files: Files of the licence of the model that it started from.
    """

    name: str
    sizes: Mapping[str, int]
    scores: Mapping[str, Any]
    method: str
    config: RunConfig
    step: int | None
    environment: Mapping[str, Any]
    licence_files: Sequence[Path]

    @property
    def directions(self) -> list[Direction]:
        """The directions that the model was trained on."""
        return [Direction.parse(name) for name in self.sizes]

    @property
    def base(self) -> Mapping[str, Any]:
        """The record of the model that the run started from; empty where it started from none."""
        found: Mapping[str, Any] = self.environment.get("base") or {}
        return found

    @property
    def data_names(self) -> list[str]:
        """The corpora, each once, by the last part of its place: the rest is of this machine alone."""
        return list(dict.fromkeys(Path(part.place).name or part.place for part in self.config.data.parts))


def read_facts(run: Path, config: RunConfig, best: Path, say: Say) -> CardFacts:
    """Read what a card says of a run.

    Args:
        run: The run's folder.
        config: Its configuration.
        best: Its model.
        say: Receives a line where scores are missing or of another model.

    Raises:
        CatscaleError: If its record is missing or damaged.
    """
    environment = read_environment(run)
    step = find_step_of_best(run, config.training.select_by, best)
    licence = run / LICENCE
    return CardFacts(
        name=run.resolve().name,
        sizes=environment.get("train_pairs", {}),
        scores=_read_scores(run, step, say),
        method=name_methods([list_deciding_settings(config.model_dump(mode="json"))])[0],
        config=config,
        step=step,
        environment=environment,
        licence_files=sorted(licence.iterdir()) if licence.is_dir() else [],
    )


def _read_scores(run: Path, step: int | None, say: Say) -> Mapping[str, Any]:
    """Read the scores on test, or else on dev; none where they are of another step."""
    for split in ("test", "dev"):
        if not name_scores_file(run, split).is_file():
            continue
        try:
            scores = read_scores(run, split)
        except CatscaleError as error:
            say(f"warning: the card is without scores: {error}")
            return {}
        scored = (scores.get("evaluation") or {}).get("step")
        if step is None or scored in (None, step):
            return scores
        say(
            f"warning: {name_scores_file(run, split)} is of step {scored:,} and the model of step {step:,}; the card "
            f"has none of them: run `catscale evaluate {run} --split {split}`, and export again"
        )
    if not name_scores_file(run).is_file():
        say(f"note: the card is without scores; run `catscale evaluate {run}`, and export again to have them")
    return {}
