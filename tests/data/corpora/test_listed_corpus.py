import pytest
from hypothesis import given
from hypothesis import strategies as st

from catscale.data import DataConfig
from catscale.data.config import HoldoutConfig
from catscale.data.corpora.corpus import Corpus
from catscale.data.direction import Direction
from catscale.errors import ConfigError, DataError
from tests.data.toy_corpora import sentences, write
from tests.unchecked import unchecked

LINE = st.text(st.characters(exclude_characters="\n\r\ufeff", exclude_categories=["Cs"]), max_size=15)
PAIRS = st.lists(st.tuples(LINE, LINE), min_size=1, max_size=5)


def corpus_of(root, files, **settings):
    settings = settings or {"directions": ["en-de"]}
    return Corpus(DataConfig(format="pairs", path=root, files=files, **settings))


@given(files=st.lists(PAIRS, min_size=1, max_size=3))
def test_the_files_are_read_in_their_order(files, tmp_path_factory):
    root, listed = tmp_path_factory.mktemp("listed"), []
    for n, pairs in enumerate(files):
        write(root / f"{n}.en", [a for a, _ in pairs])
        write(root / f"{n}.de.gz", [b for _, b in pairs])
        listed.append([f"{n}.en", f"{n}.de.gz"])
    corpus = corpus_of(root, {"train": {"en-de": listed}, "dev": {"en-de": listed[:1]}})
    everything = [pair for pairs in files for pair in pairs]
    assert list(corpus.pairs("train", Direction("en", "de"))) == everything
    assert list(corpus.pairs("train", Direction("de", "en"))) == [(b, a) for a, b in everything]
    assert list(corpus.pairs("dev", Direction("en", "de"))) == files[0]
    assert len(corpus.files("train", Direction("en", "de"))) == 2 * len(files)


@pytest.fixture
def root(tmp_path):
    for name in ("a", "b"):
        for language in ("en", "de", "az"):
            write(tmp_path / f"{name}.{language}", [f"{name} {text}" for text in sentences(language, 3)])
    return tmp_path


def test_directions_and_a_list_of_the_other_way(root):
    files = {"train": {"en-de": [["a.en", "a.de"]], "de-en": [["b.de", "b.en"]], "en-az": [["a.en", "a.az"]]}}
    files["dev"] = files["train"]
    corpus = corpus_of(root, files, sources="all", targets="all")
    assert [str(d) for d in corpus.directions] == ["az-en", "de-en", "en-az", "en-de"]
    first = [next(corpus.pairs("train", d))[0][0] for d in corpus.directions]
    assert first == ["a", "b", "a", "a"]


def test_absolute_paths_and_the_environment(root, monkeypatch):
    monkeypatch.setenv("HERE", str(root))
    listed = [["${HERE}/a.en", "${HERE}/a.de"]]
    corpus = Corpus(
        DataConfig(
            format="pairs", files={"train": {"en-de": unchecked(listed)}}, directions=["en-de"], holdout=HoldoutConfig()
        )
    )
    assert corpus.files("train", corpus.directions[0]) == (root / "a.en", root / "a.de")


def test_what_is_missing(root):
    with pytest.raises(
        DataError, match=r"no dev split for en-de under .* \(looked for dev: {en-de: …} in data\.files\)"
    ):
        _ = corpus_of(root, {"train": {"en-de": [["a.en", "a.de"]]}}).directions
    corpus = corpus_of(root, {"train": {"en-de": [["a.en", "gone.de"]]}, "dev": {"en-de": [["a.en", "b.de"]]}})
    with pytest.raises(DataError, match=r"cannot read .*gone\.de after line 0: No such file"):
        list(corpus.pairs("train", corpus.directions[0]))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (None, r"the format pairs needs files: \{train"),
        ({"trian": {"en-de": [["a", "b"]]}}, "should be 'train', 'dev' or 'test'"),
        ({"train": {"ende": [["a", "b"]]}}, "joined by a hyphen"),
        ({"train": {"en-de": []}}, "at least 1 item"),
        ({"train": {"en-de": [["a"]]}}, r"DataConfig\.files\.train\.en-de\.0\.1: field required"),
        ({"train": {}}, "at least one direction"),
    ],
)
def test_wrong_lists_are_refused(files, message):
    with pytest.raises(ConfigError, match=message):
        DataConfig(format="pairs", files=files, directions=["en-de"])
