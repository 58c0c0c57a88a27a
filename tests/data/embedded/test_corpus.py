import hashlib
from pathlib import Path

import pytest

from catscale.data.embedded.corpus import FEWEST_PAIRS, TED8_RELATED, find_split, generate_corpus, parse_languages
from catscale.data.embedded.languages import DEFAULT_SIZE
from catscale.data.embedded.phrases import Phrase
from catscale.data.embedded.speaker import MissingWordsError, Speaker
from catscale.errors import ConfigError, DataError

SMALL = {"az": 5_000, "ru": 40_000}


def digest(folder: Path) -> str:
    content = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    return content.hexdigest()


def read(folder: Path, language: str, split: str) -> tuple[list[str], list[str]]:
    pair = "-".join(sorted(("en", language)))
    stem = folder / "supervised" / pair / f"opus.{pair}-{split}"
    english, other = (Path(f"{stem}.{code}").read_bytes().decode().split("\n") for code in ("en", language))
    assert english.pop() == other.pop() == "", "the last line must end"
    return english, other


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cldr") / "corpus"
    sizes = generate_corpus(folder)
    assert sizes == {language: round(size / 40) for language, size in TED8_RELATED.items()}
    return folder


def test_layout_and_line_counts(corpus: Path) -> None:
    pairs = {path.name for path in (corpus / "supervised").iterdir()}
    assert pairs == {"az-en", "be-en", "en-gl", "en-sk", "cs-en", "en-tr", "en-pt", "en-ru"}
    assert len(list(corpus.rglob("opus.*"))) == 8 * 3 * 2
    for language, size in TED8_RELATED.items():
        for split, lines in (("train", round(size / 40)), ("dev", 200), ("test", 300)):
            english, other = read(corpus, language, split)
            assert len(english) == len(other) == lines


def test_lines_are_clean_and_pairs_differ(corpus: Path) -> None:
    for language in TED8_RELATED:
        pairs = [
            pair for split in ("train", "dev", "test") for pair in zip(*read(corpus, language, split), strict=True)
        ]
        assert len(set(pairs)) == len(pairs)
        for line in (line for pair in pairs for line in pair):
            assert line == " ".join(line.split()) != ""
            assert not any(code in line for code in ("duration-", "length-", "{", "}"))
        assert all(english != other for english, other in pairs)


def test_held_out_lines_are_in_no_train_file(corpus: Path) -> None:
    train = {line for language in TED8_RELATED for line in read(corpus, language, "train")[0]}
    held_out = {split: read(corpus, "ru", split)[0] for split in ("dev", "test")}
    for split, lines in held_out.items():
        assert not train & set(lines)
        assert all(read(corpus, language, split)[0] == lines for language in TED8_RELATED), "multi-parallel"
    assert not set(held_out["dev"]) & set(held_out["test"])
    for language in TED8_RELATED:
        known = {line for split in ("dev", "test") for line in read(corpus, language, split)[1]}
        assert not known & set(read(corpus, language, "train")[1])


def test_phrases_are_short_and_their_words_recur(corpus: Path) -> None:
    english, _ = read(corpus, "ru", "train")
    words = [word for line in english for word in line.split()]
    assert 5 < len(words) / len(english) < 8
    test = {word for line in read(corpus, "ru", "test")[0] for word in line.split()}
    assert len(test - set(words)) < len(test) / 20


def test_smaller_languages_choose_their_own_lines(corpus: Path) -> None:
    large, small = read(corpus, "ru", "train")[0], read(corpus, "az", "train")[0]
    assert small != large[: len(small)]
    assert len(set(small) & set(large)) > len(small) / 2


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        generate_corpus(tmp_path / name, SMALL, scale=0.005, seed=seed, dev=20, test=30)
    assert digest(tmp_path / "a") == digest(tmp_path / "b") != digest(tmp_path / "c")
    seeds = {seed: read(tmp_path / seed, "ru", "train")[0] for seed in "ac"}
    assert not set(seeds["a"]) & set(read(tmp_path / "c", "ru", "test")[0])
    assert seeds["a"] != seeds["c"]


def test_split_depends_on_the_sentence_alone() -> None:
    splits = [find_split(f"{number} kilometers") for number in range(2_000)]
    assert splits[:6] == [find_split(f"{number} kilometers") for number in range(6)]
    assert 0.05 < splits.count("dev") / 2_000 < 0.11
    assert 0.09 < splits.count("test") / 2_000 < 0.15


def test_any_language_and_the_fewest_pairs(tmp_path: Path) -> None:
    sizes = generate_corpus(tmp_path / "new" / "corpus", parse_languages("sw=4000,ja,pt-pt=10"), dev=20, test=30)
    assert sizes == {"sw": 100, "ja": DEFAULT_SIZE // 40, "pt_PT": FEWEST_PAIRS}
    assert len(read(tmp_path / "new" / "corpus", "pt_PT", "train")[1]) == FEWEST_PAIRS
    assert "Unicode License v3" in (tmp_path / "new" / "corpus" / "README.txt").read_text(encoding="utf-8")


def test_an_earlier_corpus_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    generate_corpus(tmp_path / "corpus", {"az": 1, "be": 1}, dev=5, test=5)
    generate_corpus(tmp_path / "corpus", {"ru": 1}, dev=5, test=5)
    assert [path.name for path in (tmp_path / "corpus" / "supervised").iterdir()] == ["en-ru"]
    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "README.txt").write_text("mine")
    with pytest.raises(DataError, match=r"thesis is there and is not a generated corpus; choose"):
        generate_corpus(tmp_path / "thesis", {"ru": 1})
    assert (tmp_path / "thesis" / "README.txt").read_text() == "mine"


def test_a_language_with_too_little_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def say_nothing(speaker: Speaker, phrase: Phrase) -> str:
        raise MissingWordsError(phrase)

    say = Speaker.say
    monkeypatch.setattr(Speaker, "say", lambda s, p: (say if s.locale.language == "en" else say_nothing)(s, p))
    with pytest.raises(DataError, match=r"too little text in 'sw': 0 of 5 dev lines could be made; choose"):
        generate_corpus(tmp_path / "corpus", {"sw": 1}, dev=5, test=5)
    assert not list(tmp_path.iterdir()), "nothing is left half written"


def test_arguments_out_of_range(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"scale must be a positive number, found 0; 0.025 is the default"):
        generate_corpus(tmp_path / "corpus", scale=0)
    with pytest.raises(ConfigError, match=r"test must be at least 1 line, found 0"):
        generate_corpus(tmp_path / "corpus", test=0)
