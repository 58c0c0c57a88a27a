"""The corpora of docs/results.md, fetched from a local server in their publishers' layouts.

The publishers' files are made of the copies beside the project where those lie; what is fetched must be them again.
"""

import gzip
import io
import os
import tarfile
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from catscale.data.config import DataConfig
from catscale.data.corpora.corpus import Corpus
from catscale.data.direction import Direction
from catscale.recipes.fetch import fetch
from catscale.recipes.patience import Patience
from catscale.recipes.recipe import load_table

DATA = Path(os.environ.get("CATSCALE_DATA", Path(__file__).parents[3] / "shared" / "data"))
SPLITS = ("train", "dev", "test")


@pytest.fixture
def run(site, tmp_path):
    """Fetches a recipe of the package, with its addresses on the local server and some of its languages."""

    def go(name, languages=None):
        table = load_table()
        parts = [part.model_dump(mode="json", exclude_defaults=True) for part in table.recipes[name].parts]
        config = table.recipes[name].config["data"]
        languages = languages or config["targets"]
        own = {
            "files": {
                file: {"url": site.address + urlsplit(remote.url).path}
                for file, remote in table.needed(table.recipes[name]).items()
            },
            "recipes": {
                name: {
                    "parts": [part for part in parts if part["pair"].removeprefix("en-") in languages],
                    "config": {"data": {"targets": list(languages)}},
                }
            },
        }
        (tmp_path / "own.yaml").write_text(yaml.safe_dump(own))
        said: list[str] = []
        fetched = fetch(load_table(tmp_path / "own.yaml"), name, tmp_path / "out", None, said.append, Patience(1, 0.01))
        data = DataConfig(**yaml.safe_load(fetched.config.read_text())["data"])
        return fetched, Corpus(data), said

    return go


def put(site, name, content):
    """Offer the file of a recipe at the path of its real address."""
    site.put(urlsplit(load_table().files[name].url).path.lstrip("/"), content)


def need(folder):
    if not (DATA / folder).is_dir():
        pytest.skip(f"{DATA / folder} is not here; CATSCALE_DATA names another place")
    return DATA / folder


def read_lines(path):
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).decode().split("\n")[:-1]


def test_multi30k(site, run):
    folder = need("multi30k") / "data" / "task1" / "raw"
    for path in folder.glob("*.gz"):
        if not path.name.startswith("test_2018"):
            put(site, f"multi30k.{path.name}", path.read_bytes())
    fetched, corpus, _ = run("multi30k")
    assert [(c.language, c.train, c.dev, c.test, c.is_off) for c in fetched.counts] == [
        (code, 29_000, 1014, 1000, False) for code in ("de", "fr", "cs")
    ]
    expected = list(zip(*(read_lines(folder / f"val.{code}.gz") for code in ("en", "fr")), strict=True))
    assert list(corpus.pairs("dev", Direction("en", "fr"))) == expected


def test_ted_low(site, run):
    folder = need("ted") / "cmu11731" / "data"
    for path in folder.iterdir():
        put(site, f"cmu11731.{path.name}", path.read_bytes())
    fetched, corpus, _ = run("ted-low")
    assert {c.language: c.train for c in fetched.counts} == {"az": 6414, "be": 5169, "gl": 11233}
    english = [source for source, _ in corpus.pairs("train", Direction("en", "gl"))]
    expected = read_lines(folder / "train.en-gl.en.txt")
    assert len(english) == len(expected)
    assert any("&apos;" in line for line in expected)
    assert not any("&apos;" in line for line in english)


def offer_tatoeba(site, folder, languages):
    """All pairs of the split corpus as the challenge's test sets, French ones of train in the other source."""
    codes = {"az": "aze", "gl": "glg", "hr": "hrv", "fr": "fra", "be": "bel", "bg": "bul", "cs": "ces", "el": "ell",
             "hi": "hin", "ko": "kor", "mk": "mkd", "mr": "mar", "pt": "por", "ru": "rus", "tr": "tur"}  # fmt: skip
    for language in languages:
        pair = "-".join(sorted(("en", language)))
        rows: list[tuple[str, ...]] = []
        for split in SPLITS:
            sides = (read_lines(folder / pair / f"opus.{pair}-{split}.{code}") for code in ("en", language))
            rows += zip(*sides, strict=True)
        first = rows if language != "fr" else rows[: len(rows) // 2]
        for side, code in enumerate(("eng", codes[language])):
            text = "".join(f"{row[side]}\n" for row in first)
            put(site, f"tatoeba-2021-08-07.eng-{codes[language]}.{code}", text.encode())
        if language == "fr":
            archive = io.BytesIO()
            with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
                file.writestr("_about.txt", "about")
                file.writestr("fra.txt", "".join(f"{en}\t{fr}\n" for en, fr in rows[len(rows) // 2 :]))
            put(site, "fra-eng.zip", archive.getvalue())


def check_tatoeba(run, folder, languages):
    fetched, corpus, _ = run("tatoeba", languages)
    assert not [count.language for count in fetched.counts if count.is_off or count.is_other]
    for language in languages:
        pair = "-".join(sorted(("en", language)))
        for split in SPLITS:
            sides = (read_lines(folder / pair / f"opus.{pair}-{split}.{code}") for code in ("en", language))
            assert list(corpus.pairs(split, Direction("en", language))) == list(zip(*sides, strict=True))


def test_tatoeba(site, run):
    folder = need("tatoeba") / "supervised"
    offer_tatoeba(site, folder, ["az", "gl", "hr"])
    check_tatoeba(run, folder, ["az", "gl", "hr"])


@pytest.mark.slow
def test_tatoeba_whole(site, run):
    folder = need("tatoeba") / "supervised"
    languages = list(load_table().recipes["tatoeba"].config["data"]["targets"])
    offer_tatoeba(site, folder, languages)
    check_tatoeba(run, folder, languages)


def test_another_text_than_that_on_record_is_noticed(site, run):
    folder = need("tatoeba") / "supervised"
    offer_tatoeba(site, folder, ["gl"])
    lines = site.files[urlsplit(load_table().files["tatoeba-2021-08-07.eng-glg.glg"].url).path].decode().split("\n")
    lines[3] += "!"
    put(site, "tatoeba-2021-08-07.eng-glg.glg", "\n".join(lines).encode())
    fetched, _, _ = run("tatoeba", ["gl"])
    assert [count.language for count in fetched.counts if count.is_other] == ["gl"]


def offer_news(site, folder, languages):
    """All pairs of the split corpus as two test sets and, where the recipe takes it, one of the other direction."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as file:

        def add(path, text):
            entry = tarfile.TarInfo(f"OPUS-MT-testsets-ac0f19c/testsets/{path}")
            entry.size = len(text.encode())
            file.addfile(entry, io.BytesIO(text.encode()))

        for language in languages:
            rows: list[tuple[str, ...]] = []
            for split in ("dev", "test", "train"):  # of a sentence's translations, dev and test have the first
                sides = (read_lines(folder / f"en-{language}" / f"{split}.{code}.gz") for code in ("en", language))
                rows += zip(*sides, strict=True)
            half = len(rows) // 2
            sets = {f"en-{language}/news-test2008": rows[:half], f"en-{language}/newstest2012": rows[half:]}
            if language in ("de", "fi", "gu"):
                own = rows[half:-20] if language == "de" else rows[half:-20] + rows[-10:]
                sets[f"en-{language}/newstest2012"] = own
                sets[f"{language}-en/newstest2019-{language}en"] = rows[-20:-10]
                sets[f"{language}-en/newstest2020-{language}en"] = rows[-10:]
            for name, of_set in sets.items():
                for side, code in enumerate(("en", language)):
                    add(f"{name}.{code}", "".join(f"{row[side]}\n" for row in of_set))
                    add(f"{name}.{code}.labels", "label\n")
            add(f"en-{language}/multi30k_test.en", "not news\n")
            add(f"en-{language}/newstest2099.en", "without a counterpart\n")
    put(site, "opus-mt-testsets.tar.gz", archive.getvalue())


def check_news(run, folder, languages):
    fetched, corpus, _ = run("wmt-news", languages)
    assert not [count.language for count in fetched.counts if count.is_off or count.is_other]
    for language in languages:
        for split in SPLITS:
            sides = (read_lines(folder / f"en-{language}" / f"{split}.{code}.gz") for code in ("en", language))
            assert list(corpus.pairs(split, Direction("en", language))) == list(zip(*sides, strict=True))


def test_wmt_news(site, run):
    folder = need("wmt-news")
    offer_news(site, folder, ["et", "gu"])
    check_news(run, folder, ["et", "gu"])


@pytest.mark.slow
def test_wmt_news_whole(site, run):
    folder = need("wmt-news")
    languages = list(load_table().recipes["wmt-news"].config["data"]["targets"])
    offer_news(site, folder, languages)
    check_news(run, folder, languages)
