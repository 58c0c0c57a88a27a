"""One corpus of the data, opened by its format."""

from pathlib import Path
from typing import Any

import pytest

from catscale.data.corpora.file_corpus import FileCorpus
from catscale.data.corpora.hub_corpus import HubCorpus
from catscale.data.corpora.listed_corpus import ListedCorpus
from catscale.data.corpora.source import open_source
from catscale.data.corpus_config import CorpusPart
from catscale.data.direction import Direction
from catscale.errors import DataError
from tests.data.toy_corpora import write, write_moses

EN_DE = Direction("en", "de")


@pytest.mark.parametrize(
    ("form", "kind"), [("moses", FileCorpus), ("tsv", FileCorpus), ("hf", HubCorpus), ("pairs", ListedCorpus)]
)
def test_a_format_has_its_kind_of_corpus(form: str, kind: type, tmp_path: Path) -> None:
    given: dict[str, Any] = {"format": form, "path": tmp_path}
    if form == "pairs":
        write_moses(tmp_path, {"train": 1})
        given["files"] = {"train": {"en-de": [["train.en", "train.de"]]}}
    assert type(open_source(CorpusPart(**given))) is kind


def test_files_and_a_list_of_them_give_the_same_pairs(tmp_path: Path) -> None:
    write_moses(tmp_path, {"train": 5, "dev": 2})
    listed: Any = {"train": {"en-de": [["train.en", "train.de"]]}, "dev": {"en-de": [["dev.en", "dev.de"]]}}
    sources = [
        open_source(CorpusPart(format="moses", path=tmp_path)),
        open_source(CorpusPart(format="pairs", path=tmp_path, files=listed)),
    ]
    for split in ("train", "dev"):
        one, other = (list(source.pairs(split, EN_DE)) for source in sources)
        assert len(one) == {"train": 5, "dev": 2}[split]
        assert one == other == [pair for _, _, pair in sources[1].located(split, EN_DE)]
        assert sources[0].inputs(split, EN_DE) == sources[1].inputs(split, EN_DE)
    assert [source.inputs("test", EN_DE) for source in sources] == [None, None]
    assert all(EN_DE in source.available() for source in sources)


def test_a_made_up_code_is_a_language_if_it_is_named_or_nothing_depends_on_it(tmp_path: Path) -> None:
    for name in ("en", "de", "xx", "qqzz"):
        write(tmp_path / f"train.{name}", ["the cat sleeps under a house"])
    config = CorpusPart(format="moses", path=tmp_path)

    def languages(*arguments: Any) -> set[str]:
        return {direction.target for direction in open_source(config, *arguments).available()}

    assert languages() == {"en", "de"}
    assert languages(["qqzz"]) == {"en", "de", "qqzz"}
    assert languages((), True) == {"en", "de", "xx"}


@pytest.mark.parametrize("form", ["moses", "tsv"])
def test_a_folder_that_is_not_there_is_refused(form: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data\.path .*none is not a folder"):
        open_source(CorpusPart(format=form, path=tmp_path / "none"))
