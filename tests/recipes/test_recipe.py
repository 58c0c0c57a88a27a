import copy
from pathlib import Path

import pytest
import yaml

from catscale.errors import ConfigError
from catscale.recipes.recipe import load_table
from catscale.run.config import parse_config
from tests.unchecked import unchecked

NAMES = ("ted-related", "ted-diverse", "wmt10", "opus100", "multi30k", "ted-low", "tatoeba", "wmt-news")
FILE = {"url": "https://example.org/f.gz"}
RECIPE = {
    "title": "t", "homepage": "h", "license": "l", "config": {"data": {}}, "expected": {"source": "s", "pairs": {}},
    "parts": [{"kind": "files", "archives": "f.gz"}],
}  # fmt: skip


def load(tmp_path, content):
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(content))
    return load_table(tmp_path / "own.yaml")


def test_the_table_has_the_benchmarks():
    assert tuple(load_table().recipes) == NAMES


@pytest.mark.parametrize(
    ("name", "thousands", "languages"), [("ted-related", 760, 8), ("ted-diverse", 764, 8), ("wmt10", 30_600, 10)]
)
def test_the_expected_sizes_are_the_paper_s(name, thousands, languages):
    pairs = load_table().recipes[name].expected.pairs
    assert len(pairs) == languages
    assert abs(sum(pairs.values()) / 1000 - thousands) < 1


def test_opus100_is_whole():
    """The paper's Table 4 counts 45 languages of a million pairs, its collection's card 44 and 99 in all."""
    table = load_table()
    recipe = table.recipes["opus100"]
    pairs = recipe.expected.pairs
    assert len(pairs) == 99
    assert sum(n == 1_000_000 for n in pairs.values()) == 44
    assert (sum(n >= 100_000 for n in pairs.values()), sum(n >= 10_000 for n in pairs.values())) == (73, 95)
    assert round(sum(pairs.values()) / 1e6) == 55
    assert set(recipe.config["data"]["targets"]) == pairs.keys() - {"an", "dz", "hy", "mn", "yo"}
    files = table.needed(recipe)
    assert len(files) == 100  # and the zero-shot test sets
    for name, file in files.items():
        assert file.url.endswith(f"/{name}")
        assert len(file.sha256) == 64
    assert len({file.sha256 for file in files.values()}) == 100


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_s_configuration_loads(name, tmp_path):
    recipe = load_table().recipes[name]
    content = copy.deepcopy(recipe.config)
    content["data"]["path"] = str(tmp_path)
    config = parse_config(content, name)
    assert set(config.data.asked("target") or ()) <= recipe.expected.pairs.keys()
    presets = {"ted-related": "ted", "ted-diverse": "ted", "wmt10": "base", "opus100": "base"}
    assert unchecked(config.model).preset == presets.get(name, "small")


TED_HEADER = (
    "en es pt-br fr ru he ar ko zh-cn it ja zh-tw nl ro tr de vi pl pt bg el fa sr hu hr uk cs id th sv sk sq lt da "
    "calv my sl mk fr-ca fi hy hi nb ka mn et ku gl mr zh ur eo ms az ta bn kk be eu bs"
)


@pytest.mark.parametrize("name", ["ted-related", "ted-diverse"])
def test_ted_s_columns_are_those_of_the_corpus(name):
    """Codes of the archive's header, as huggingface/datasets and tensorflow/datasets list them."""
    recipe = load_table().recipes[name]
    data = recipe.config["data"]
    codes = [data.get("language_codes", {}).get(language, language) for language in data["targets"]]
    assert unchecked(recipe.parts[0]).columns == ["en", *codes]
    assert set(codes) < set(TED_HEADER.split())


def test_every_pair_of_wmt10_has_three_splits():
    parts = unchecked(load_table().recipes["wmt10"].parts)
    pairs = {part.pair for part in parts}
    assert len(pairs) == 10
    assert {(part.pair, part.split) for part in parts} == {(p, s) for p in pairs for s in ("train", "dev", "test")}


def test_a_file_of_one_s_own_is_laid_over_the_table(tmp_path):
    table = load(tmp_path, {"files": {"ted_talks.tar.gz": {"url": "https://mirror.example.org/t.tgz"}}})
    file = table.files["ted_talks.tar.gz"]
    assert file.url == "https://mirror.example.org/t.tgz"
    assert file.sha256 == load_table().files["ted_talks.tar.gz"].sha256
    assert len(table.files) == len(load_table().files)


def test_recipes_of_one_s_own_are_added(tmp_path):
    table = load(tmp_path, {"files": {"f.gz": FILE}, "recipes": {"mine": RECIPE}})
    assert list(table.needed(table.recipes["mine"])) == ["f.gz"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"files": {"f": {"url": "ftp://a.b/c"}}}, "url must be an address with http or https"),
        ({"files": {"f": {"url": "file:///etc/passwd"}}}, "url must be an address with http or https"),
        ({"files": {"f": {}}}, "give either url or manual"),
        ({"files": {"f": {**FILE, "manual": "do"}}}, "give either url or manual"),
        ({"files": {"../f": FILE}}, "a file's name has letters"),
        ({"files": {".hidden": FILE}}, "a file's name has letters"),
        ({"files": {"f\u00e9": FILE}}, "a file's name has letters"),
        ({"files": {"f" * 201: FILE}}, "a file's name has letters"),
        ({"recipes": {"../r": RECIPE}}, "a file's name has letters"),
        ({"files": {"f": {**FILE, "sha256": "abc"}}}, "files.f.sha256: String should match pattern"),
        ({"files": {"f": {**FILE, "size": 5}}}, "files.f.size: Extra inputs are not permitted"),
        ({"recipes": {"r": RECIPE}}, "recipe r takes f.gz, which is not under files"),
        ({"recipes": {"r": {**RECIPE, "parts": []}}}, "recipes.r.parts: List should have at least 1 item"),
        ({"recipes": {"r": {**RECIPE, "parts": [{"kind": "rar"}]}}}, "does not match any of the expected tags"),
        (
            {"recipes": {"r": {**RECIPE, "parts": [
                {"kind": "lines", "pair": "en-kk", "split": "dev", "archive": "f"}]}}},
            "give archive and members, or files",
        ),
        (
            {"recipes": {"r": {**RECIPE, "parts": [
                {"kind": "lines", "pair": "en-kk", "split": "dev", "files": {"en": "f", "tr": "f"}}]}}},
            "one place a language of en-kk is needed, found en, tr",
        ),
        (
            {"recipes": {"r": {**RECIPE, "parts": [
                {"kind": "columns", "pair": "en-kk", "split": "dev", "file": "f", "columns": {"en": 0}}]}}},
            "one column per language of en-kk is needed, found en",
        ),
        (
            {"recipes": {"r": {**RECIPE, "parts": [
                {"kind": "tmx", "pair": "../x-en", "split": "dev", "file": "f"}]}}},
            "a language's code has letters",
        ),
    ],
)  # fmt: skip
def test_mistakes_are_named(tmp_path, content, message):
    with pytest.raises(ConfigError, match=r"own.yaml has \d+ problems?, see docs/recipes.md") as error:
        load(tmp_path, content)
    assert message in str(error.value)


def test_a_file_that_is_not_there():
    with pytest.raises(ConfigError, match="cannot read the recipes"):
        load_table(Path("nowhere.yaml"))
