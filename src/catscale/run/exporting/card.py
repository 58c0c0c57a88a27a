"""The model card of an exported model, README.md: front matter for model hubs, then what a user asks first."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import catscale
from catscale.data.direction import list_languages
from catscale.evaluation.metrics.table import METRICS, in_order, read_score
from catscale.run.exporting.card_facts import CardFacts
from catscale.run.exporting.form import ExportFormat
from catscale.system.console.safe_text import for_message
from catscale.system.reading.yaml_file import dump_yaml

CARD = "README.md"
UNKNOWN = "unknown"
"""The name that hubs have for a licence that nobody chose."""
LIBRARIES = {"hf": "transformers", "ctranslate2": "ctranslate2"}
HUB_CACHE = re.compile(r"/models--([\w.-]+?)--([\w.-]+)/snapshots/[^/]+/?$")
"""The place of a model in the Hub's cache, from which its owner and its name are read."""
NO_LICENCE = (
    "No licence is chosen yet: the weights were trained from nothing on the data above, and their licence is for "
    "whoever trained them to choose, as far as the data allow. Put it in the place of `license: unknown` on top."
)


def write_card(facts: CardFacts, form: ExportFormat, tags: Mapping[str, str], use: str, check: str) -> str:
    """Return the text of the card.

    Args:
        facts: The known facts of the run.
        form: The format of the model.
        tags: The token of each language.
        use: Lines of Python that translate a sentence.
        check: The outcome of the comparison with the run's translations.
    """
    parts = [
        f"---\n{dump_yaml(_front(facts, form)).strip()}\n{_ask_for_base(facts)}---\n",
        f"# {_plain(facts.name)}\n",
        f"A translation model in the format of {form.label}, exported by catscale {catscale.__version__}.\n",
        f"## Use\n\n```python\n{use}```\n\n{_name_tags(tags)}\n",
        f"## Directions\n\n{_tabulate(_directions(facts))}\n{_signatures(facts)}",
        f"## Training\n\n{_bullets(_training(facts))}\n",
        f"## Licence\n\n{_licence(facts)}\n",
        f"## Check\n\nOn held-out sentences: {check}.\n",
    ]
    return "\n".join(parts)


def _front(facts: CardFacts, form: ExportFormat) -> dict[str, Any]:
    front: dict[str, Any] = {
        "license": facts.base.get("licence") or UNKNOWN,
        "language": list(dict.fromkeys(code.split("_")[0] for code in list_languages(facts.directions))),
        "pipeline_tag": "translation",
        "library_name": LIBRARIES[form.name],
        "tags": ["translation", "catscale"],
    }
    return front | ({"base_model": hub_name} if (hub_name := _hub_name(facts)) else {})


def _hub_name(facts: CardFacts) -> str:
    """Return the name on the Hub of the model that the run started from; empty where its place does not tell."""
    found = HUB_CACHE.search(str(facts.base.get("path", "")))
    return "/".join(found.groups()) if found else ""


def _ask_for_base(facts: CardFacts) -> str:
    """Return a comment where the front matter wants a name that only the user knows: hubs refuse a folder's."""
    return "# base_model: OWNER/NAME, as the hub has it\n" if facts.base and not _hub_name(facts) else ""


def _base_name(facts: CardFacts) -> str:
    """Return the name of the model that the run started from: the Hub's, or the last part of its place."""
    return _hub_name(facts) or str(facts.base["path"]).rstrip("/").rsplit("/", 1)[-1]


def _name_tags(tags: Mapping[str, str]) -> str:
    listed = ", ".join(f"{_plain(language)} `{tag}`" for language, tag in sorted(tags.items()))
    return f"Tokens of the languages: {listed}."


def _directions(facts: CardFacts) -> Iterator[list[str]]:
    """Yield the rows of the table of directions and scores, its head first."""
    scored = {name: entry for name, entry in facts.scores.items() if isinstance(entry, Mapping) and "nll" in entry}
    metrics = [
        name for name in in_order(METRICS) if any(read_score(entry, name) is not None for entry in scored.values())
    ]
    yield ["direction", "training pairs", *(METRICS[name].label for name in metrics)]
    for name in dict.fromkeys([*facts.sizes, *scored]):
        size = facts.sizes.get(name, 0)
        row = [name, f"{size:,}" if size else "none (zero-shot)"]
        for metric in metrics:
            value = read_score(scored.get(name, {}), metric)
            row.append("" if value is None else f"{value:.{METRICS[metric].digits}f}")
        yield row


def _signatures(facts: CardFacts) -> str:
    """Return what lets somebody else repeat the scores: split, step and signatures."""
    found: dict[str, list[str]] = {}
    for name, entry in facts.scores.items():
        for metric in METRICS:
            score = entry.get(metric) if isinstance(entry, Mapping) else None
            if isinstance(score, Mapping):
                found.setdefault(f"{METRICS[metric].label}: `{_plain(score['signature'])}`", []).append(name)
    if not found:
        return ""
    split = (facts.scores.get("evaluation") or {}).get("split") or "test"
    every = max(map(len, found.values()))
    lines = [text if len(names) == every else f"{text} ({', '.join(names)})" for text, names in found.items()]
    return f"Scores are on the {split} set. Signatures of sacreBLEU:\n\n{_bullets(lines)}\n"


def _training(facts: CardFacts) -> Iterator[str]:
    training, model = facts.config.training, facts.config.model
    yield f"method: {_plain(facts.method)}"
    yield f"balancing: {facts.config.balancing.name}; sampling: {facts.config.sampling.name}"
    step = "an unknown step" if facts.step is None else f"step {facts.step:,}"
    yield f"the model of {step} of at most {training.max_steps:,}, {training.batch_tokens:,} target tokens a step"
    yield f"data: {', '.join(map(_plain, facts.data_names))}"
    started = f", started from {_plain(_base_name(facts))}" if facts.base else ""
    yield f"architecture: {model.model_dump()['architecture']}{started}"
    adapters = model.model_dump().get("adapters")
    if adapters:
        layers = ", ".join(adapters["targets"])
        yield f"adapters, merged: {adapters['method']} of rank {adapters['rank']} on {layers}"
    yield f"seed {training.seed}, catscale {_plain(facts.environment.get('catscale') or 'of an unknown version')}"


def _licence(facts: CardFacts) -> str:
    if not facts.base:
        return NO_LICENCE
    name = facts.base.get("licence")
    text = f"The model was started from `{_plain(_base_name(facts))}`"
    if not name:
        return (
            f"{text}, whose folder names no licence; look it up where the model came from before you pass this one on."
        )
    files = ", ".join(f"`{_plain(path.name)}`" for path in facts.licence_files)
    beside = f", whose text is beside this file ({files})" if files else ""
    return f"{text}, whose licence is {_plain(name)}{beside}; it holds for this model too."


def _tabulate(rows: Iterator[list[str]]) -> str:
    head, *others = rows
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *others]
    return "".join(f"| {' | '.join(_plain(cell).replace('|', '¦') for cell in cells)} |\n" for cells in lines)


def _bullets(lines: Iterator[str] | Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _plain(text: object) -> str:
    """Return a text that stays in its place in a page: on one line, without what ends a span of code.

    >>> _plain("a\\nb`c")
    'a b´c'
    """
    return for_message(" ".join(str(text).split())).replace("`", "´")
