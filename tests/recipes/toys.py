"""Benchmarks of a few sentences, in the publishers' layouts, on a web server of the test."""

import hashlib
from pathlib import Path
from typing import Any

import yaml

from tests.recipes.archives import COMPRESS, make_zip, tar
from tests.recipes.site import Site

DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
LANGUAGES = {"az": ["sıfır", "bir", "iki", "üç", "dörd", "beş", "altı", "yeddi", "səkkiz", "doqquz"],
             "pt": ["zero", "um", "dois", "três", "quatro", "cinco", "seis", "sete", "oito", "nove"]}  # fmt: skip
SIZES = {"train": 120, "dev": 10, "test": 10}


pack = COMPRESS["gz"]


def sentence(number: int, language: str = "en") -> str:
    words = LANGUAGES.get(language, DIGITS)
    return " ".join(words[int(digit)] for digit in f"{number * 7919 % 10_000:04d}")


def numbers(split: str) -> range:
    start = {"train": 0, "dev": 1000, "test": 2000}[split]
    return range(start, start + SIZES[split])


def ted_table(split: str) -> str:
    """As all_talks_*.tsv: a column per language, marks of missing and of incomplete translations, entities."""
    rows = ["talk_name\ten\tfr\tpt-br\tpt\taz"]
    for index, n in enumerate(numbers(split)):
        az = "__NULL__" if index % 10 == 0 else f"{sentence(n, 'az')}"
        az = "_ _ NULL _ _ x" if index == 1 else f"x __NULL__ {az}" if index == 2 else az
        rows.append(f"talk\tit &apos;s {sentence(n)}\t__NULL__\t{sentence(n, 'pt')}\t__NULL__\t{az}")
    return "".join(row + "\n" for row in rows)


def ted(site: Site, **file: object) -> dict:
    """A recipe like ted-related; 120 train rows have Portuguese, 106 Azerbaijani."""
    archive = tar({f"all_talks_{split}.tsv": ted_table(split).encode() for split in SIZES})
    return {
        "files": {"ted_talks.tar.gz": offer(site, "ted_talks.tar.gz", archive) | file},
        "recipes": {
            "ted-related": {
                "parts": [
                    {
                        "kind": "table", "archive": "ted_talks.tar.gz", "members": "*all_talks_*.tsv",
                        "columns": ["en", "az", "pt-br"], "entities": True,
                    }
                ],
                "expected": {"source": "the test", "pairs": {"az": 106, "pt": 100}, "tolerance": 2},
                "config": {
                    "data": {
                        "format": "tsv", "pattern": "all_talks_{split}.tsv", "source": "en", "targets": ["az", "pt"],
                        "language_codes": {"pt": "pt-br"},
                    }
                },
            }
        },
    }  # fmt: skip


def opus100(site: Site) -> dict:
    """A recipe like opus100: two archives, one of them without dev and test."""
    content: dict[str, Any] = {"files": {}, "recipes": {"opus100": {}}}
    for pair, splits in (("az-en", SIZES), ("en-yo", ("train",)), ("zeroshot", ("test",))):
        languages = ["ar", "de"] if pair == "zeroshot" else pair.split("-")
        folder = "zero-shot/ar-de" if pair == "zeroshot" else f"supervised/{pair}"
        members = {
            f"opus-100-corpus/v1.0/{folder}/opus.{'-'.join(languages)}-{split}.{language}": "".join(
                sentence(n, language) + "\n" for n in numbers(split)
            ).encode()
            for split in splits
            for language in languages
        } | {"opus-100-corpus/v1.0/README": b"read me"}
        name = f"opus-100-corpus-{pair}-v1.0.tar.gz"
        content["files"][name] = offer(site, name, tar(members))
    content["recipes"]["opus100"] = {
        "parts": [
            {
                "kind": "files", "archives": f"opus-100-corpus-{pair}-v1.0.tar.gz",
                "members": "opus-100-corpus/v1.0/*/opus.*", "strip": "opus-100-corpus/v1.0/",
            }
            for pair in ("az-en", "en-yo", "zeroshot")
        ],
        "expected": {"source": "the test", "pairs": {"az": 120, "yo": 120}},
        "config": {"data": {"targets": ["az"]}},
    }  # fmt: skip
    return content


def lines(split: str, language: str) -> bytes:
    return "".join(sentence(n, language) + "\n" for n in numbers(split)).encode()


def segments(split: str, language: str) -> bytes:
    text = "".join(f'<seg id="{n}">{sentence(n, language)} &amp;</seg>\n' for n in numbers(split))
    return f"<srcset><doc>\n{text}</doc></srcset>".encode()


def wmt(site: Site) -> dict:
    """A recipe with every kind of part: az of columns, tagged lines and a test set, pt of TMX, zip and plain files."""
    units = "".join(
        f"<tu><tuv xml:lang='en'><seg>{sentence(n)}</seg></tuv>"
        f"<tuv xml:lang='pt'><seg>{sentence(n, 'pt')}</seg></tuv></tu>"
        for n in numbers("train")
    )
    tagged = {
        f"en-az/train.tags.en-az.{code}": b"<url>u</url>\n" + lines("train", code) + b"<talkid>1</talkid>\n"
        for code in ("en", "az")
    }
    sets = {f"dev/{s}-src.{c}.sgm": segments(s, c) for s in ("dev", "test") for c in ("en", "az", "pt")}
    files = {
        "az.tsv.gz": pack("".join(f"{sentence(n, 'az')}\t{sentence(n)}\t0.5\n" for n in range(50)).encode()),
        "talks.tgz": tar({**tagged, "en-az/README": b"x"}),
        "dev.tgz": tar(sets),
        "pt.tmx.gz": pack(f"<tmx><body>{units}</body></tmx>".encode()),
        "pt.zip": make_zip({f"rapid.{code}": lines("train", code) for code in ("en", "pt")}),
        "more.en": b"it &apos;s\n\n", "more.pt": b"&lt;\nx\n",
    }  # fmt: skip
    parts: list[dict] = [
        {"kind": "columns", "pair": "en-az", "split": "train", "file": "az.tsv.gz", "columns": {"az": 0, "en": 1}},
        {"kind": "tags", "pair": "en-az", "split": "train", "archive": "talks.tgz",
         "members": {"en": "*train.tags.en-az.en", "az": "*train.tags.en-az.az"}},
        {"kind": "tmx", "pair": "en-pt", "split": "train", "file": "pt.tmx.gz"},
        {"kind": "lines", "pair": "en-pt", "split": "train", "archive": "pt.zip",
         "members": {"en": "rapid.en", "pt": "rapid.pt"}},
        {"kind": "lines", "pair": "en-pt", "split": "train", "files": {"en": "more.en", "pt": "more.pt"},
         "entities": True},
    ]  # fmt: skip
    for split in ("dev", "test"):
        for code in ("az", "pt"):
            both = {"en": f"*/{split}-src.en.sgm", code: f"*/{split}-src.{code}.sgm"}
            parts.append(
                {"kind": "segments", "pair": f"en-{code}", "split": split, "archive": "dev.tgz", "members": both}
            )
    return {
        "files": {name: offer(site, name, content) for name, content in files.items()},
        "recipes": {
            "wmt10": {
                "parts": parts,
                "expected": {"source": "the test", "pairs": {"az": 170, "pt": 241}, "rounding": 0},
                "config": {"data": {"targets": ["az", "pt"]}},
            }
        },
    }


def offer(site: Site, name: str, content: bytes) -> dict:
    """Put a file on the server; returns its entry in the table."""
    return {"url": site.put(name, content), "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def write(path: Path, content: dict) -> Path:
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path
