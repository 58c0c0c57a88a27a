import pytest

from catscale.data.config import DataConfig
from catscale.data.corpora.corpus import Corpus
from catscale.data.direction import Direction
from catscale.errors import CatscaleError, ConfigError
from catscale.run.back_translation.synthetic_corpus import SyntheticCorpus, list_complete

AZ_EN = Direction("az", "en")
MAKER = {"direction": "en-az", "model": "0123", "settings": {"beam": 5}}


def begin(folder, **changes):
    corpus = SyntheticCorpus(folder, AZ_EN)
    return corpus, corpus.begin({**MAKER, **changes})


def fill(folder, *pairs):
    corpus, state = begin(folder)
    state.lines += len(pairs)
    corpus.append(state, pairs)
    return corpus, state


def test_what_is_complete_is_a_corpus(tmp_path):
    corpus, _ = fill(tmp_path, ("salam", "hello"), ("pişik", "cat"))
    config = DataConfig(format="moses", path=tmp_path, source="all", target="all")
    assert Corpus(config).available == ()  # a part is none
    assert list_complete(tmp_path) == []
    corpus.finish()
    found = Corpus(config)
    assert found.available == (AZ_EN, Direction("en", "az"))
    assert list(found.pairs("train", AZ_EN)) == [("salam", "hello"), ("pişik", "cat")]
    assert list_complete(tmp_path) == [AZ_EN]


def test_it_goes_on_where_the_progress_says(tmp_path):
    corpus, state = fill(tmp_path, ("salam", "hello"))
    for path in corpus.parts:  # killed between the lines and the progress
        with path.open("a") as file:
            file.write("half a li")
    corpus, again = begin(tmp_path)
    assert (again.lines, again.sizes, again.kept) == (state.lines, state.sizes, 1)
    for pair in (("pişik", "cat"), ("it", "dog")):
        again.lines += 1
        corpus.append(again, [pair])
    corpus.finish()
    assert [path.read_text() for path in corpus.final] == ["salam\npişik\nit\n", "hello\ncat\ndog\n"]


def test_more_may_come_behind_what_is_complete(tmp_path):
    corpus, _ = fill(tmp_path, ("salam", "hello"))
    corpus.finish()
    fill(tmp_path, ("pişik", "cat"))
    assert list_complete(tmp_path) == []
    corpus.finish()
    corpus.finish()  # killed before its end
    assert corpus.final[0].read_text() == "salam\npişik\n"


def test_nothing_kept_of_a_chunk_is_progress_too(tmp_path):
    fill(tmp_path, ("salam", "hello"))
    corpus, state = begin(tmp_path)
    state.lines, state.dropped["loop"] = 3, 2
    corpus.append(state, [])
    _, again = begin(tmp_path)
    assert (again.lines, again.kept, again.dropped["loop"]) == (3, 1, 2)


@pytest.mark.parametrize(("key", "value"), [("model", "4567"), ("settings", {"beam": 1})])
def test_another_maker_is_refused(tmp_path, key, value):
    fill(tmp_path, ("salam", "hello"))
    with pytest.raises(ConfigError, match=f"holds back-translations of az-en by another {key}: .* choose another"):
        begin(tmp_path, **{key: value})


def test_files_of_somebody_else_are_left_alone(tmp_path):
    (tmp_path / "train.az-en.en").write_text("mine\n")
    with pytest.raises(ConfigError, match=r"train\.az-en\.en is there, and no \.progress\.az-en\.json; choose another"):
        begin(tmp_path)
    assert (tmp_path / "train.az-en.en").read_text() == "mine\n"


@pytest.mark.parametrize("text", ["{", "{}", "[]"])
def test_a_damaged_file_of_progress(tmp_path, text):
    (tmp_path / ".progress.az-en.json").write_text(text)
    with pytest.raises(CatscaleError, match="remove it with its files, to begin anew"):
        begin(tmp_path)
