"""The result of a comparison, as plain data: what `comparison.json` and `.csv` hold and tables and figures read.

A *method* is what runs that differ only in their seed have in common; *over* is a direction, or a group of directions
("all", "low", "mid", "high") over which a metric is averaged, each direction counted once.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from catscale.evaluation.metrics.table import MAIN
from catscale.system.console.csv_text import to_csv
from catscale.system.writing.files import write_json, write_text

COLUMNS = (
    "metric", "over", "train_pairs", "method", "seeds", "mean", "std", "low", "high", "baseline", "difference",
    "difference_low", "difference_high", "difference_seed_std", "p_bootstrap", "p_randomisation", "p_two_sided",
    "p_corrected", "significant", "difference_low_seeds", "difference_high_seeds", "p_seeds",
)  # fmt: skip
"""The columns of `comparison.csv`."""
GROUPS = {"all": "all", "low": "low-resource", "mid": "mid-resource", "high": "high-resource"}


@dataclass(frozen=True)
class ComparedDirection:
    """One translation direction of the compared runs.

    Attributes:
        name: The name, as in `en-az`.
        pairs: Train pairs.
        group: Resource group.
        sentences: The number of sentences of the compared split.
    """

    name: str
    pairs: int
    group: Literal["low", "mid", "high"]
    sentences: int


@dataclass(frozen=True)
class ComparedMethod:
    """Runs that differ only in their seed.

    Attributes:
        name: Shown everywhere, as in "T=5" or "T=5 + CATS"; unique.
        seeds: Seed of each run.
        folders: Folder of each run, in the same order.
        temperature: T of the sampling where the runs are plain ones of one temperature (fixed equal weights), which
            are joined in the Pareto view; None for every other method.
        outside: Whether its translations come from another system than catscale, which has no NLL, and whose settings,
            data and budget are not known here.
    """

    name: str
    seeds: list[int]
    folders: list[str]
    temperature: float | None = None
    outside: bool = False


@dataclass(frozen=True)
class Difference:
    """A method's value less the baseline's, on one row.

    Attributes:
        mean: Difference of the means over seeds; above 0 is more BLEU or chrF, but a worse NLL or TER.
        interval: 95% of the paired bootstrap over sentences, seeds pooled: what another test set would show.
        seed_std: Standard deviation of the difference over seeds (paired where both have the same seeds): what another
            seed would show; None where there are fewer than two.
        interval_seeds: 95% over other sentences and other seeds together (`catscale.comparison.seeds`); None where the
            method or the baseline has one seed.
        p_bootstrap: Paired bootstrap resampling (Koehn, 2004) as sacreBLEU's `PairedTest` computes it, for comparison
            with other papers. It is too small, about the chance of one tail: see `docs/comparison.md`.
        p_randomisation: Two-sided, approximate randomisation (Riezler and Maxwell, 2005); None for averages.
        p_corrected: `p_seeds`, or `p_two_sided` where that is None, after the correction for all comparisons of its
            kind in the metric's table.
        significant: Whether `p_corrected` is below 0.05 and both methods have two seeds or more; one seed decides
            nothing.
        p_two_sided: Two-sided, of the same bootstrap, and of the size that it claims: over sentences alone.
        p_seeds: Two-sided, over sentences and seeds together; None where the method or the
            baseline has one seed.
    """

    mean: float
    interval: tuple[float, float]
    seed_std: float | None
    p_bootstrap: float
    p_randomisation: float | None
    p_corrected: float
    significant: bool
    p_two_sided: float = 1.0
    p_seeds: float | None = None
    interval_seeds: tuple[float, float] | None = None

    @property
    def is_decidable(self) -> bool:
        """Whether seeds count in it: both methods have two or more."""
        return self.p_seeds is not None

    @property
    def widest(self) -> tuple[float, float]:
        """The interval to show: over sentences and seeds, where both are known."""
        return self.interval if self.interval_seeds is None else self.interval_seeds

    @property
    def p_decisive(self) -> float:
        """The p-value that is corrected."""
        return self.p_two_sided if self.p_seeds is None else self.p_seeds


@dataclass(frozen=True)
class Row:
    """One metric of one method over one direction or group.

    Attributes:
        metric: Name of the metric, a key of `catscale.evaluation.metrics.table.METRICS`.
        over: A direction's name, or a key of `GROUPS`.
        method: The method's name.
        values: A value a seed, in the order of `ComparedMethod.seeds`.
        mean: Over seeds.
        std: Standard deviation over seeds (n − 1); None with one seed.
        interval: 95% bootstrap interval of the mean over sentences.
        difference: To the baseline; None for the baseline itself.
    """

    metric: str
    over: str
    method: str
    values: list[float]
    mean: float
    std: float | None
    interval: tuple[float, float]
    difference: Difference | None = None


@dataclass(frozen=True)
class Forgetting:
    """The scores of a pre-trained model before training, and after.

    Attributes:
        old: Directions between languages that it knew, from the smallest to the largest.
        new: Directions of new languages.
        scored: Folder of the run that holds the scores before training.
        rows: Every metric × (directions, then "old" and "new", their averages) × (before, methods); a difference is to
            the model before training.
        before: Its name in the place of a method's.
        corrected_for: The comparisons that the p-values are corrected for.
        reason: The reason why nothing was compared, and the way to get it; empty where there are rows.
    """

    old: list[str]
    new: list[str]
    scored: str = ""
    rows: list[Row] = field(default_factory=list)
    before: str = ""
    corrected_for: int = 0
    reason: str = ""

    @property
    def methods(self) -> list[str]:
        """Names of the compared methods, in the order of the table."""
        return list(dict.fromkeys(row.method for row in self.rows if row.method != self.before))

    def row(self, metric: str, over: str, method: str) -> Row | None:
        """Return one row; None where nothing was measured."""
        return next((r for r in self.rows if (r.metric, r.over, r.method) == (metric, over, method)), None)


@dataclass(frozen=True)
class Comparison:
    """Everything that `catscale compare` found.

    Attributes:
        verdict: The result in two sentences, the second one on how sure it is.
        baseline: Name of the method that the others are compared with.
        baseline_reason: The reason for its choice, in words.
        split: "test" or "dev".
        methods: The methods in the order given, the temperatures first, ascending.
        directions: The directions, from the smallest to the largest.
        rows: Every metric × (directions, then groups that are not empty) × method.
        resamples: The resamples of the bootstrap and of the randomisation.
        seed: The seed of the resampling.
        corrected_for: Number of comparisons that the p-values are corrected for: those of one metric that count seeds,
            or all where none does.
        warnings: The reasons why the runs are not quite comparable, a line each; shown with the table.
        signatures: Metric → direction → signature.
        metric: The metric of the verdict.
        forgetting: Before and after training, where runs start from another model.
    """

    verdict: str
    baseline: str
    baseline_reason: str
    split: str
    methods: list[ComparedMethod]
    directions: list[ComparedDirection]
    rows: list[Row]
    resamples: int
    seed: int
    corrected_for: int
    warnings: list[str] = field(default_factory=list)
    signatures: dict[str, dict[str, str]] = field(default_factory=dict)
    metric: str = MAIN
    forgetting: Forgetting | None = None

    @property
    def knows_seeds(self) -> bool:
        """Whether some difference takes seeds into account: the baseline and another method have two or more."""
        several = [method.name for method in self.methods if len(method.seeds) > 1]
        return self.baseline in several and len(several) > 1

    def row(self, metric: str, over: str, method: str) -> Row | None:
        """Return one row; None where nothing was measured."""
        found = (r for r in self.rows if (r.metric, r.over, r.method) == (metric, over, method))
        return next(found, None)

    def to_json(self) -> dict[str, Any]:
        """Return plain lists, mappings and numbers."""
        return asdict(self)

    def write(self, path: Path) -> None:
        """Write it as JSON, atomically."""
        write_json(path, self.to_json())

    def write_csv(self, path: Path) -> None:
        """Write a line per row as CSV, atomically; what there is not is an empty cell."""
        pairs = {direction.name: direction.pairs for direction in self.directions}
        seeds = {method.name: " ".join(map(str, method.seeds)) for method in self.methods}
        table: list[list[Any]] = []
        for row in self.rows:
            own = [row.metric, row.over, pairs.get(row.over), row.method, seeds[row.method], row.mean, row.std]
            cells = [*own, *row.interval, self.baseline]
            if row.difference is not None:
                d = row.difference
                cells += [d.mean, *d.interval, d.seed_std, d.p_bootstrap, d.p_randomisation, d.p_two_sided]
                cells += [d.p_corrected, int(d.significant), *(d.interval_seeds or (None, None)), d.p_seeds]
            table.append([*cells, *[None] * (len(COLUMNS) - len(cells))])
        write_text(path, to_csv(COLUMNS, table))
