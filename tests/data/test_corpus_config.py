"""Settings of one corpus: what is written otherwise here, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

from catscale.data.corpus_config import (
    CorpusConfig,
    CorpusPart,
    check_directions,
    check_placeholders,
    underscore_keys,
    without_unset,
    write_direction,
)
from catscale.errors import ConfigError

MOSES: dict[str, Any] = {"format": "moses", "path": "x"}


@pytest.mark.parametrize(
    ("written", "here"), [("en-pt-BR", "en-pt_BR"), ("en-de", "en-de"), ("ende", "ende"), ("zh-Hans-en", "zh_Hans-en")]
)
def test_a_direction_as_it_is_written_here(written: str, here: str) -> None:
    assert write_direction(written) == here


def test_directions_are_at_least_one_and_each_once() -> None:
    assert check_directions(["en-pt-BR", "de-en"]) == ["en-pt_BR", "de-en"]
    for wrong in ([], ["en-de", "en-de"], ["en-pt-BR", "en-pt_BR"]):
        with pytest.raises(ValueError, match="directions must name at least one direction, each once"):
            check_directions(wrong)


def test_keys_with_hyphens_are_underscored_and_may_not_meet() -> None:
    assert underscore_keys({"pt-BR": 1, "en": 2}) == {"pt_BR": 1, "en": 2}
    assert underscore_keys(None) is None
    with pytest.raises(
        ValueError, match=r"'pt_BR' and 'pt_BR' are the same here|'pt-BR' and 'pt_BR' are the same here"
    ):
        underscore_keys({"pt_BR": 1, "pt-BR": 2})


def test_placeholders_are_known_ones() -> None:
    check_placeholders("{split}/{lang}.txt", ("split", "lang"))
    check_placeholders("{{kept}}.txt", ())
    with pytest.raises(ValueError, match=r"the pattern has \{pair\}; the placeholders are \{split\}, \{lang\}"):
        check_placeholders("{split}.{pair}", ("split", "lang"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"format": "moses"}, "give path, the corpus' folder"),
        (MOSES | {"files": {"train": {"en-de": [["a", "b"]]}}}, "files is for the format pairs, found format moses"),
        (MOSES | {"revision": "main"}, "revision is for the format hf, found format moses"),
        ({"format": "pairs"}, "the format pairs needs files"),
        ({"format": "hf", "path": "x", "pattern": "{split}"}, "pattern is not for the format hf; set name"),
        (MOSES | {"pattern": "{split}.txt"}, r"one file per language needs \{lang\}"),
        (MOSES | {"path": "-"}, "path: '-' reads standard input, which is for tsv, .*; name a folder"),
        ({"format": "tsv", "path": "-", "pattern": "{split}"}, "without a pattern"),
        ({"format": "tmx", "path": "x", "pattern": "/a/*.tmx"}, r"a pattern with \* is a name below data\.path"),
        ({"format": "jsonl", "path": "x", "columns": {"en": 0}}, "an index in columns is for tsv alone"),
        (MOSES | {"columns": {"pt-BR": "a", "pt_BR": "b"}}, "are the same here, where a hyphen becomes an underscore"),
        (MOSES | {"language_codes": {"../x": "a"}}, "a language's code has letters from A to Z"),
        ({"format": "mosse", "path": "x"}, "there is no such format; did you mean 'moses'"),
    ],
)
def test_a_wrong_setting_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        CorpusConfig(**settings)


def test_a_part_has_a_format_and_its_limits_are_of_directions() -> None:
    part = CorpusPart(**MOSES, limit={"en-pt-BR": 5})
    assert part.limit == {"en-pt_BR": 5}
    assert (part.use, part.place) == (["train", "dev", "test"], "x")
    with pytest.raises(ConfigError, match=r"each corpus of data\.corpora needs its format"):
        CorpusPart()
    with pytest.raises(ConfigError, match="limit"):
        CorpusPart(**MOSES, limit={"en-de": 0})
    with pytest.raises(ConfigError, match="use"):
        CorpusPart(**MOSES, use=[])


def test_a_name_on_the_hub_is_no_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    for path, local in (("here", True), ("Some/set", False)):
        config = CorpusConfig(format="hf", path=Path(path))
        assert config.is_local == local
        assert config.with_absolute_path().path == (tmp_path / path if local else Path(path))
    stdin = CorpusConfig(format="tsv", path=Path("-"))
    assert stdin.with_absolute_path() is stdin


def test_what_a_corpus_did_not_have_in_version_0_1_is_left_out_where_it_is_not_set():
    part = CorpusPart(format="moses", path=Path("x"), use=["train"]).model_dump(mode="json")
    assert {"tag", "directions"} <= set(part)
    assert set(part) - set(without_unset(part)) == {"tag", "directions"}
    tagged = CorpusPart(format="moses", path=Path("x"), tag="bt", directions=["en-pt-BR"]).model_dump(mode="json")
    assert without_unset(tagged) == tagged
    assert tagged["directions"] == ["en-pt_BR"]
