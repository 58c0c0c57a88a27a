"""A toy corpus that a tiny model learns in seconds: English words replaced one by one."""

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.unchecked import unchecked

ANIMALS = "ant bear cat dog eel fox goat hen ibis jay kite lion mole newt owl pig quail rat seal toad"
OTHERS = "red big old sad new is and not the sees"
WORDS = f"{ANIMALS} {OTHERS}".split()
SYLLABLES = ("ba", "de", "fi", "go", "ku", "la", "me", "ni", "po", "ru", "sa", "te")


def dictionary(language: str) -> dict[str, str]:
    """Each English word's translation, made of syllables and ending in the language's last letter."""
    rng = random.Random(language)
    heads = rng.sample([a + b for a in SYLLABLES for b in SYLLABLES], len(WORDS))
    return {word: head + language[-1] for word, head in zip(WORDS, heads, strict=True)}


def translate(sentence: str, language: str) -> str:
    words = dictionary(language)
    return " ".join(words[word] for word in sentence.split())


def sentences(count: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS, k=rng.randint(1, 4))) for _ in range(count)]


def pairs(language: str, split: str, count: int) -> list[tuple[str, str]]:
    lines = sentences(count, {"train": 1, "dev": 2, "test": 3}[split])
    return [(line, translate(line, language)) for line in lines]


def write_corpus(root: Path, layout: str, sizes: dict[str, int], dev: int = 40, test: int = 40) -> Path:
    """English to each language, in the layout of a reader."""
    for language, train in sizes.items():
        folder = root / f"en-{language}"
        folder.mkdir(parents=True)
        for split, count in (("train", train), ("dev", dev), ("test", test)):
            write_split(folder, layout, split, language, pairs(language, split, count))
    return root


def write_split(folder: Path, layout: str, split: str, language: str, content: list[tuple[str, str]]) -> None:
    if layout == "moses":
        for code, side in (("en", 0), (language, 1)):
            write_lines(folder / f"{split}.{code}", [pair[side] for pair in content])
    elif layout == "tsv":
        write_lines(folder / f"{split}.tsv", [f"en\t{language}", *("\t".join(pair) for pair in content)])
    else:
        records = [{"translation": {"en": source, language: target}} for source, target in content]
        write_lines(folder / f"{split}.jsonl", [json.dumps(record) for record in records])


def write_lines(path: Path, lines: list[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def write_config(path: Path, corpus: Path, store: Path, **changes: dict) -> Path:
    """A configuration of a run of 24 steps with all that a checkpoint must hold: dropout, two tasks, odd periods."""
    content = {
        "data": {"format": "moses", "path": str(corpus), "source": "en", "targets": "all", "store": str(store)},
        "vocabulary": {"size": 120},
        "sampling": {"temperature": 5},
        "balancing": {"method": "fixed"},
        "model": {
            "preset": "tiny", "width": 32, "encoder_layers": 1, "decoder_layers": 1, "heads": 2, "feed_forward": 64
        },
        "optimizer": {"learning_rate": 0.01, "warmup_steps": 10},
        "training": {
            "max_steps": 24, "batch_tokens": 128, "sub_batch_tokens": 64,
            "validate_every": 8, "log_every": 5, "precision": "fp32", "threads": 1, "device": "cpu",
        },
    }  # fmt: skip
    for section, values in changes.items():
        content[section] = values if "method" in values else {**unchecked(content.get(section, {})), **values}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def write_pretrained_config(
    path: Path, corpus: Path, store: Path, base: Path, model: Mapping[str, Any], **changes: dict
) -> Path:
    """The same, of a run that starts from a folder, with more settings of the section `model`."""
    content = yaml.safe_load(write_config(path, corpus, store, **changes).read_text())
    del content["vocabulary"]
    content["model"] = {"pretrained": str(base), **model}
    path.write_text(yaml.safe_dump(content))
    return path
