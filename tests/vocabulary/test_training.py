"""Settings of SentencePiece's pieces, and their training."""

from pathlib import Path

import pytest

from catscale.errors import ConfigError, DataError
from catscale.vocabulary.sentencepiece import SentencePieceVocabulary
from catscale.vocabulary.training import SentencePieceSettings, train_vocabulary
from tests.data.toy_corpora import sentences

LINES = sentences("en", 200) + sentences("de", 200)


@pytest.fixture(scope="module")
def vocabulary() -> SentencePieceVocabulary:
    return train_vocabulary(SentencePieceSettings(size=100), LINES, ["en", "de"])


def test_a_model_has_the_asked_size_and_the_tags_on_top(vocabulary: SentencePieceVocabulary) -> None:
    assert vocabulary.pieces == 100
    assert vocabulary.size == 100 + 1 + 2  # the mask and two tags
    assert vocabulary.about.kind == "bpe"


def test_no_character_of_train_is_unknown(vocabulary: SentencePieceVocabulary) -> None:
    assert not any(vocabulary.unk_id in ids for ids in vocabulary.encode(LINES))
    assert vocabulary.unk_id in vocabulary.encode(["the кот"])[0]


def test_tokens_in_the_text_teach_the_trainer_their_letters() -> None:
    """It would leave out a whole line with one, and its letters with it."""
    lines = [*LINES, *["<pad> <s>"] * 20]
    trained = train_vocabulary(SentencePieceSettings(size=100), lines, ["en"])
    (ids,) = trained.encode(["<pad> <s>"])
    assert trained.unk_id not in ids
    assert trained.decode([ids]) == ["<pad> <s>"]


def test_a_model_s_file_is_that_of_its_folder(tmp_path: Path) -> None:
    assert SentencePieceSettings().model_file is None
    assert SentencePieceSettings(path=tmp_path / "x").model_file == tmp_path / "x"
    assert SentencePieceSettings(path=tmp_path).model_file == tmp_path / "sentencepiece.bpe.model"
    (tmp_path / "tokenizer.json").touch()
    assert SentencePieceSettings(path=tmp_path).model_file == tmp_path / "tokenizer.json"
    (tmp_path / "sentencepiece.bpe.model").touch()
    settings = SentencePieceSettings(path=tmp_path)
    assert settings.model_file == settings.existing == tmp_path / "sentencepiece.bpe.model"
    assert settings.inputs == (settings.model_file,)


def test_an_existing_model_is_taken_as_it_is(vocabulary: SentencePieceVocabulary, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(vocabulary.model)
    said: list[str] = []
    settings = SentencePieceSettings(path=tmp_path / "m", size=5000)
    settings.check()
    taken = settings.build(iter(()), ["az"], said.append)
    assert (taken.model, taken.languages, said) == (vocabulary.model, ("az",), [])
    SentencePieceSettings(size=100).build(iter(LINES), ["en"], said.append)
    assert said == ["vocabulary: training 100 pieces on 1 languages"]


def test_a_file_that_is_no_model_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"x is no readable SentencePiece model"):
        SentencePieceSettings(path=tmp_path / "x").check()


def test_what_decides_a_store() -> None:
    relevant = SentencePieceSettings(size=100, max_unknown=0.5).relevant()
    assert relevant["size"] == 100
    assert relevant["normalisation"] == "identity"
    assert not {"max_unknown", "path", "kind"} & set(relevant)
    first = SentencePieceSettings(normalisation="nmt_nfkc")
    assert "normalisation" not in first.relevant(), "stores of version 0.1 stay what they are"
    assert SentencePieceSettings().as_in_first_version() == first
    named = SentencePieceSettings(normalisation="identity")
    assert named.as_in_first_version() is named


def test_a_path_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert SentencePieceSettings(path=Path("m")).with_absolute_path().path == tmp_path / "m"
    settings = SentencePieceSettings()
    assert settings.with_absolute_path() is settings


@pytest.mark.parametrize("size", [4, 1_000_001])
def test_a_size_that_is_a_slip_is_refused(size: int) -> None:
    with pytest.raises(ConfigError, match="size"):
        SentencePieceSettings(size=size)


def test_sizes_that_the_text_does_not_allow() -> None:
    with pytest.raises(DataError, match=r"size 5,000 is larger than the training text allows.*lower vocabulary\.size"):
        train_vocabulary(SentencePieceSettings(size=5000), LINES, ["en"])
    with pytest.raises(DataError, match=r"size 8 is smaller than the \d+ characters .*raise vocabulary\.size"):
        train_vocabulary(SentencePieceSettings(size=8), LINES, ["en"])
    with pytest.raises(DataError, match=r"could not train a vocabulary of 100: .*check the training text"):
        train_vocabulary(SentencePieceSettings(size=100), [], ["en"])
