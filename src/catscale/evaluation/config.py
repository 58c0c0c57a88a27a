"""Settings of decoding and scoring, and the resource groups that averages are taken over."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from catscale.data.corpus_config import check_tag, underscore_keys
from catscale.evaluation.metrics.bleu import Bleu
from catscale.evaluation.metrics.bleu_tokenizers import BleuTokenizer
from catscale.evaluation.metrics.chrf import MOST, Chrf
from catscale.evaluation.metrics.contract import Metric
from catscale.evaluation.metrics.table import Chosen
from catscale.model import limits as sizes
from catscale.settings import LARGE, READ_AS, Settings
from catscale.system.console.messages import say

ResourceGroup = Literal["low", "mid", "high"]
BALANCED = 0.05
"""Share of the average size within which a direction is neither low- nor high-resource, unless thresholds are set."""
CPU_BATCH, GPU_BATCH = 2_048, 16_384
"""Source positions that are decoded together where the settings do not say how many."""
LEFT_OPEN = {"precision": "auto", "batch_tokens": None}
"""Values of settings that the device decides; what it decided is on record with the scores."""
INTEGERS = ("int8", "int8_float16")
"""Formats of weights that CTranslate2 alone has."""
COMPUTED: tuple[Metric, ...] = (Bleu(), Chrf())
"""Metrics of translations where the settings do not say which."""


def _check_metrics(metrics: tuple[Metric, ...]) -> tuple[Metric, ...]:
    names = [metric.name for metric in metrics]
    if not names or len(set(names)) < len(names):
        raise ValueError("must name one metric or more, each once; NLL is always measured")
    return metrics


class EvaluationConfig(Settings):
    """Settings of the search for translations and of their scores.

    Attributes:
        beam: Hypotheses kept in the search; 1 is greedy.
        draw_temperature: Translations are drawn from the model's distribution at this temperature, in the place of a
            search: 1 is the distribution itself, which makes better back-translations than a beam where the model is
            good (Edunov et al., 2018); None searches.
        length_penalty: A hypothesis' log-probability is divided by its length to this power.
        max_length: Most pieces in a translation.
        max_length_ratio: Most pieces in a translation for each piece of its source (10 are added, and the
            result is rounded up: see `plan_batches`).
        batch_tokens: Source positions decoded together, padding included; None for 2,048 on a CPU and 16,384 on a GPU.
        batch_sentences: Sentences decoded together, in the place of `batch_tokens`.
        tag: The tag of a corpus of the training (`data.corpora: [{…, tag: bible}]`): sources are scored and translated
            as its text, `<bible>` behind the language's tag; None for none.
        backend: CTranslate2, Hugging Face `generate`, or the first of them that is installed (the same
            output in float32).
        precision: The numbers that translations are computed in: `float32`, `float16` and `bfloat16`, and with
            CTranslate2 weights in `int8`, beside float32 or (`int8_float16`) float16; each but the first may be
            faster and changes some translations. `auto` is float32 on a CPU, and on a GPU the half that it
            has, bfloat16 first. The NLL is measured in mixed precision in the halves, otherwise in float32.
        metrics: Metrics of translations, beside NLL: `bleu`, `chrf`, `chrf++`, `ter` (a second or more for a thousand
            sentences), `spbleu` and `comet` (where their models are at hand); one with settings of its own as in
            `{method: spbleu, model: PATH}`; one of your own as `module:Class`.
        tokenizers: sacreBLEU tokenizer of BLEU by target language, where the automatic choice is not wanted;
            `flores101` and `flores200` are downloaded by sacreBLEU when first used.
        chrf_word_order: The word order of the metric `chrf`: 0 is chrF, 2 makes it chrF++.
        low_below: A direction with fewer train pairs than this is low-resource. Below 1: a fraction of the
            largest direction's. None: 95% of the average size.
        high_above: A direction with more train pairs than this is high-resource, with the same meanings; None: 105%
            of the average size.
    """

    beam: int = Field(5, ge=1, le=1000)
    draw_temperature: float | None = Field(None, gt=0, le=100, allow_inf_nan=False)
    length_penalty: float = Field(1.0, ge=0, le=10, allow_inf_nan=False)  # beyond, powers of lengths overflow
    max_length: int = Field(256, ge=1, le=sizes.POSITIONS)
    max_length_ratio: float = Field(2.0, gt=0, le=1000, allow_inf_nan=False)
    batch_tokens: int | None = Field(None, ge=1, le=10_000_000)
    batch_sentences: int | None = Field(None, ge=1, le=100_000)
    tag: Annotated[str, AfterValidator(check_tag)] | None = None
    backend: Literal["auto", "ctranslate2", "huggingface"] = "auto"
    precision: Literal["auto", "float32", "float16", "bfloat16", "int8", "int8_float16"] = "auto"
    metrics: Annotated[tuple[Chosen, ...], READ_AS, AfterValidator(_check_metrics)] = COMPUTED
    tokenizers: Annotated[dict[str, BleuTokenizer], AfterValidator(underscore_keys)] = Field(default_factory=dict)
    chrf_word_order: int = Field(0, ge=0, le=MOST)
    low_below: float | None = Field(None, gt=0, le=LARGE, allow_inf_nan=False)
    high_above: float | None = Field(None, gt=0, le=LARGE, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _read_ter(cls, content: Any) -> Any:
        """Read `ter`, which 0.1 had in the place of `metrics`."""
        if not isinstance(content, Mapping) or not isinstance(content.get("ter"), bool):
            return content
        if content["ter"]:
            say("warning: evaluation.ter is moved to evaluation.metrics: write metrics: [bleu, chrf, ter]")
        return name_metrics(content)

    @model_validator(mode="after")
    def _check_thresholds(self) -> "EvaluationConfig":
        low, high = self.low_below, self.high_above
        if low is not None and high is not None and ((low < 1) != (high < 1) or low > high):
            raise ValueError(
                f"low_below and high_above must be two fractions or two numbers of pairs, the first not larger; "
                f"found {low:g} and {high:g}; change one of them"
            )
        return self

    @model_validator(mode="after")
    def _check_backend(self) -> "EvaluationConfig":
        if self.backend == "huggingface" and self.precision in INTEGERS:
            raise ValueError(
                f"precision {self.precision} needs the backend ctranslate2, found huggingface; "
                "use backend: ctranslate2, or precision: auto, float32, float16 or bfloat16"
            )
        return self

    @property
    def left_open(self) -> dict[str, Any]:
        """The settings that the device decides, where they leave it to it."""
        return {key: value for key, value in LEFT_OPEN.items() if getattr(self, key) == value}


def name_metrics(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings of `evaluation` that 0.1 wrote as they are now: `ter` is one of `metrics`.

    >>> name_metrics({"beam": 5, "ter": True})
    {'beam': 5, 'metrics': ['bleu', 'chrf', 'ter']}
    """
    now = {key: value for key, value in settings.items() if key != "ter"}
    if settings.get("ter") is True:
        chosen = now.get("metrics", [metric.name for metric in COMPUTED])
        now["metrics"] = [*chosen, *(["ter"] if "ter" not in chosen else [])]
    return now


def group_by_resource(sizes: Mapping[str, int], settings: EvaluationConfig) -> dict[str, ResourceGroup]:
    """Call each direction low-, mid- or high-resource by the number of its train pairs.

    low: size < low_below; high: size > high_above; mid: the rest. Without thresholds these are the average size
    less and plus a twentieth, so that all directions are mid where the data are balanced.

    Args:
        sizes: Train pairs by direction.
        settings: Thresholds, as described there.

    Returns:
        The group by direction, in the order of `sizes`.

    >>> group_by_resource({"en-az": 5_900, "en-sk": 61_500, "en-cs": 103_000}, EvaluationConfig())
    {'en-az': 'low', 'en-sk': 'high', 'en-cs': 'high'}
    """
    low, high = _thresholds(sizes, settings)
    return {name: "low" if size < low else "high" if size > high else "mid" for name, size in sizes.items()}


def _thresholds(sizes: Mapping[str, int], settings: EvaluationConfig) -> tuple[float, float]:
    mean = sum(sizes.values()) / max(1, len(sizes))
    largest = max(sizes.values(), default=0)

    def pairs(threshold: float) -> float:
        return threshold * largest if threshold < 1 else threshold

    low = (1 - BALANCED) * mean if settings.low_below is None else pairs(settings.low_below)
    high = (1 + BALANCED) * mean if settings.high_above is None else pairs(settings.high_above)
    if settings.low_below is None:
        return min(low, high), high
    return low, max(low, high)
