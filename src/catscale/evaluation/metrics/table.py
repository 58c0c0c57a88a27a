"""The table of metrics; a new one is added here and nowhere else."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, ValidationError, ValidationInfo

from catscale.errors import ConfigError
from catscale.evaluation.metrics.bleu import Bleu
from catscale.evaluation.metrics.chrf import Chrf
from catscale.evaluation.metrics.chrf_plus import ChrfPlus
from catscale.evaluation.metrics.comet import Comet
from catscale.evaluation.metrics.contract import Metric
from catscale.evaluation.metrics.nll import Nll
from catscale.evaluation.metrics.recorded import RecordedMetric, make_recorded
from catscale.evaluation.metrics.sentence_metric import MetricFacts, SentenceMetric
from catscale.evaluation.metrics.spbleu import SpBleu
from catscale.evaluation.metrics.ter import Ter
from catscale.settings.location import LITERAL
from catscale.settings.own_class import OWN, is_own, read_own
from catscale.settings.problems import explain
from catscale.system.named import NamedTable, suggest

METRICS: NamedTable[type[Metric]] = NamedTable(
    "metric",
    {
        "bleu": Bleu,
        "chrf": Chrf,
        "nll": Nll,
        "ter": Ter,
        "chrf++": ChrfPlus,
        "spbleu": SpBleu,
        "comet": Comet,
    },
)
"""In the order of tables and figures; where one run is shown alone, those of the model come first (`in_order`).

Metrics of the user's own follow where they are read, as recorded ones: from a configuration, or from `scores.json`."""
MAIN = "bleu"
"""The metric that is spoken of where none is asked for and it was computed; it also chooses among temperatures."""


def in_order(names: Iterable[str]) -> list[str]:
    """Sort names of metrics as one run's scores are shown: those of the model first, then by the table.

    >>> in_order(["ter", "bleu", "nll"])
    ['nll', 'bleu', 'ter']
    """
    given = set(names)
    return sorted((name for name in METRICS if name in given), key=lambda name: not METRICS[name].of_model)


def name_all(labels: Sequence[str]) -> str:
    """Join labels as in "NLL, chrF and TER".

    >>> name_all(["NLL", "chrF", "TER"])
    'NLL, chrF and TER'
    """
    *first, last = labels
    return f"{', '.join(first)} and {last}" if first else last


def list_telling(names: Iterable[str]) -> str:
    """Name the metrics that tell models apart that do not translate yet; NLL where there is no other.

    >>> list_telling(["bleu", "chrf", "nll"])
    'NLL and chrF'
    """
    return name_all([METRICS[name].label for name in in_order({"nll", *names}) if METRICS[name].least is None])


def lower_is_better(names: Iterable[str]) -> list[str]:
    """Return the labels of the metrics of which less is better.

    >>> lower_is_better(["bleu", "nll", "ter"])
    ['NLL', 'TER']
    """
    return [METRICS[name].label for name in names if not METRICS[name].higher_is_better]


def read_score(entry: Mapping[str, Any], name: str) -> float | None:
    """Return a metric's score out of a direction's entry in `scores.json`; None where it has none.

    >>> read_score({"nll": 2.5, "bleu": {"score": 10.0, "signature": "…"}}, "bleu")
    10.0
    """
    found = entry.get(name)
    return found["score"] if isinstance(found, Mapping) else found


def read_signature(entry: Mapping[str, Any], name: str) -> str:
    """Return the signature of a metric's score out of a direction's entry in `scores.json`; empty where it has none.

    >>> read_signature({"nll": 2.5, "bleu": {"score": 10.0, "signature": "nrefs:1"}}, "bleu")
    'nrefs:1'
    """
    found = entry.get(name)
    return str(found["signature"]) if isinstance(found, Mapping) else ""


def recall(name: str, evaluation: Mapping[str, Any]) -> Metric:
    """Return the metric with the settings that an evaluation had.

    Args:
        name: The name of the metric.
        evaluation: The record of the evaluation in `scores.json`, by this version or an earlier one.

    Raises:
        ConfigError: If the record is not one.
    """
    for written in evaluation["settings"].get("metrics", ()):
        if isinstance(written, Mapping) and written.get("method") == name:
            try:
                return read_metric(written, LITERAL)
            except ValueError as error:
                raise ConfigError(
                    f"scores.json records settings of {name} that are none ({error}); run `catscale evaluate` again"
                ) from error
    return METRICS[name].model_validate({})


def read_metric(written: Any, context: Any = None) -> Metric:
    """Make the metric that a configuration names: by its name, or `{method: NAME}` with settings.

    Args:
        written: The text in the configuration.
        context: The context of the validation, which says whether paths mean what they say.

    Raises:
        ValueError: If there is no such metric, it is always measured, or its settings are wrong.
    """
    if isinstance(written, Metric):
        return written
    content = {"method": written} if isinstance(written, str) else written
    if not isinstance(content, Mapping) or not isinstance(content.get("method"), str):
        raise ValueError("must be the name of a metric, or {method: NAME} with its settings")
    name = content["method"]
    if is_own(name):
        return _read_own_metric(content, context)
    known = [key for key, metric in METRICS.items() if not metric.of_model and not is_own(key)]
    if name in METRICS and METRICS[name].of_model:
        raise ValueError(f"{name} is always measured; leave it out. Known are {', '.join(known)}")
    if name not in METRICS:
        raise ValueError(f"there is no metric {name!r}; {suggest(name, known)}")
    try:
        return METRICS[name].model_validate(dict(content), context=context)
    except ValidationError as error:
        raise ValueError("; ".join(explain(dict(each), METRICS[name]) for each in error.errors())) from None


def _read_own_metric(content: Mapping[str, Any], context: Any) -> Metric:
    """Make a metric of the user's own: imported where their own configuration names it, else a recorded one."""
    name = content["method"]
    if context is not OWN:
        return METRICS.get(name, RecordedMetric).model_validate(dict(content))
    metric: SentenceMetric = read_own(dict(content), SentenceMetric, context)
    try:
        _learn(name, metric.describe())
    except ValidationError as error:
        raise ValueError(f"{name}: " + "; ".join(explain(dict(each), MetricFacts) for each in error.errors())) from None
    return metric


def learn_recorded(evaluation: Mapping[str, Any]) -> None:
    """Add the metrics of a user's own that an evaluation has on record to the table.

    Args:
        evaluation: The record of the evaluation in `scores.json`, checked.
    """
    for name in filter(is_own, evaluation):
        _learn(name, MetricFacts.model_validate(evaluation[name]))


def _learn(name: str, facts: MetricFacts) -> None:
    """Add a metric to the table; a label that another one has gives way to the name."""
    labels = [metric.label for key, metric in METRICS.items() if key != name]
    METRICS[name] = make_recorded(name, facts.model_copy(update={"label": name}) if facts.label in labels else facts)


def write_metric(metric: Metric) -> str | dict[str, Any]:
    """Return what names a metric in a configuration: its name, with what is not its default where there is some."""
    own = metric.model_dump(mode="json", exclude_defaults=True)
    return {"method": metric.name, **own} if own else metric.name


def _read(written: Any, info: ValidationInfo) -> Metric:
    return read_metric(written, info.context)


Chosen = Annotated[Metric, PlainValidator(_read), PlainSerializer(write_metric)]
"""A metric in the settings."""
