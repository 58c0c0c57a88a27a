"""The vocabulary of a pre-trained model, beyond what the contract's checks try."""

import json
from pathlib import Path

import pytest
from transformers import AutoTokenizer, NllbTokenizer

from catscale.errors import DataError
from catscale.vocabulary.extension import RowOrigins
from catscale.vocabulary.pretrained.vocabulary import TABLE, PretrainedVocabulary
from catscale.vocabulary.table import load_vocabulary
from tests.model.nllb_folder import LINES
from tests.vocabulary.pretrained.folders import change_json, content_of

LANGUAGES = {"de": "deu_Latn", "en": "eng_Latn"}
TYPED = ["the </s> cat", "eng_Latn deu_Latn", "<mask> <pad><s>", "__en__", "madeupword0"]


@pytest.fixture(scope="module")
def vocabulary() -> PretrainedVocabulary:
    return PretrainedVocabulary(content_of("nllb"), LANGUAGES)


@pytest.fixture
def saved(vocabulary: PretrainedVocabulary, tmp_path: Path) -> Path:
    vocabulary.save(tmp_path)
    return tmp_path


def test_ids_are_the_folder_s(vocabulary: PretrainedVocabulary) -> None:
    assert (vocabulary.bos_id, vocabulary.pad_id, vocabulary.eos_id, vocabulary.unk_id) == (0, 1, 2, 3)
    assert vocabulary.size == 253
    assert dict(vocabulary.tags) == {"de": 244, "en": 245}
    ids = vocabulary.content["model"]["vocab"]
    assert vocabulary.tags == {language: ids[tag] for language, tag in LANGUAGES.items()}


def test_what_a_user_types_is_text(vocabulary: PretrainedVocabulary) -> None:
    special = {token["id"] for token in vocabulary.content["added_tokens"]} - {vocabulary.unk_id}
    spare = {vocabulary.content["model"]["vocab"][f"madeupword{number}"] for number in (0, 1)}
    assert not (special | spare) & {number for ids in vocabulary.encode(TYPED) for number in ids}


def test_plain_transformers_cuts_alike(vocabulary: PretrainedVocabulary, saved: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(saved, local_files_only=True)
    assert isinstance(tokenizer, NllbTokenizer)
    lines = [*LINES, *TYPED]
    assert tokenizer(lines, add_special_tokens=False).input_ids == vocabulary.encode(lines)
    assert tokenizer.get_vocab() == vocabulary.content["model"]["vocab"]
    tokenizer.src_lang = "deu_Latn"
    framed = tokenizer("und").input_ids
    assert (framed[0], framed[-1]) == (vocabulary.tag("de"), vocabulary.eos_id)
    assert tokenizer.batch_decode([framed], skip_special_tokens=True) == vocabulary.decode([framed]) == ["und"]


def test_m2m100_has_no_mask_and_gets_none(tmp_path: Path) -> None:
    made = PretrainedVocabulary(content_of("m2m100"), {"en": "__en__", "de": "__de__"})
    made.save(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    assert len(tokenizer) == made.size == 349
    assert tokenizer.mask_token is None
    assert tokenizer.get_vocab() == made.content["model"]["vocab"]


def test_unknown_pieces_are_shown(vocabulary: PretrainedVocabulary) -> None:
    ids = vocabulary.encode(["the Ж cat"])
    assert vocabulary.unk_id in ids[0]
    assert vocabulary.decode(ids)[0].split() == ["the", "⁇", "cat"]


def test_ids_without_a_token_are_left_out(vocabulary: PretrainedVocabulary) -> None:
    ids = vocabulary.encode(["the cat"])[0]
    assert vocabulary.decode([[*ids, 251, 252, 9999, -1]]) == ["the cat"]


def test_text_without_a_rule_keeps_the_marks_of_sentencepiece(tmp_path: Path) -> None:
    """As a run's own vocabulary does, whose pieces may hold the stand-ins."""
    content = content_of("nllb")
    content["normalizer"] = None
    plain = PretrainedVocabulary(content, LANGUAGES)
    assert plain.rule == ""
    assert plain.encode(["the▁cat"]) != plain.encode(["the cat"])
    assert plain.encode(["  the cat "]) == plain.encode(["the cat"])


def test_the_fingerprint_is_of_pieces_and_languages(vocabulary: PretrainedVocabulary) -> None:
    rows = RowOrigins.unchanged(253)
    assert PretrainedVocabulary(content_of("nllb"), LANGUAGES, rows, ["a note"]).fingerprint == vocabulary.fingerprint
    content = content_of("nllb")
    content["model"]["merges"] = content["model"]["merges"][:-1]
    others = [
        PretrainedVocabulary(content, LANGUAGES),
        PretrainedVocabulary(content_of("nllb"), {**LANGUAGES, "en": "fra_Latn"}),
    ]
    assert len({vocabulary.fingerprint, *(other.fingerprint for other in others)}) == 3


def test_rows_and_notes_are_saved(tmp_path: Path) -> None:
    bases = [*((number,) for number in range(251)), (5, 6), ()]
    rows = RowOrigins(tuple(bases), frozenset({252}))
    PretrainedVocabulary(content_of("nllb"), LANGUAGES, rows, ["one", "two"]).save(tmp_path)
    loaded = load_vocabulary(tmp_path)
    assert isinstance(loaded, PretrainedVocabulary)
    assert (loaded.rows, loaded.notes) == (rows, ("one", "two"))
    assert PretrainedVocabulary.read_notes(tmp_path) == ["one", "two"]
    (tmp_path / TABLE).write_text("{}")
    with pytest.raises(DataError, match=r"pretrained_vocabulary\.json cannot be read \(languages: .*; prepare again"):
        PretrainedVocabulary.read_notes(tmp_path)


def test_tags_of_corpora_start_from_the_mean_of_all_rows(vocabulary: PretrainedVocabulary, tmp_path: Path) -> None:
    tagged = vocabulary.with_corpus_tags(["bt", "bible"])
    assert dict(tagged.corpus_tags) == {"bt": 253, "bible": 254}
    assert tagged.rows == RowOrigins((*RowOrigins.unchanged(253).bases, (), ()), frozenset({253, 254}))
    assert tagged.new_rows == 2
    tagged.save(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    assert tokenizer.convert_tokens_to_ids(["<bt>", "<bible>"]) == [253, 254]
    lines = [*LINES[:20], *TYPED, "<bt> the cat"]
    assert tokenizer(lines, add_special_tokens=False).input_ids == tagged.encode(lines)


def test_the_rows_before_those_of_tags_of_corpora_stay(vocabulary: PretrainedVocabulary) -> None:
    rows = RowOrigins((*((number,) for number in range(251)), (5, 6), ()), frozenset({252}))
    extended = PretrainedVocabulary(content_of("nllb"), LANGUAGES, rows, ["a note"])
    tagged = extended.with_corpus_tags(["bt"])
    assert tagged.rows == RowOrigins((*rows.bases, ()), frozenset({252, 253}))
    assert tagged.notes == ("a note", "added: <bt>, for tags of corpora")


def test_a_tag_that_the_model_was_trained_with_keeps_its_id(vocabulary: PretrainedVocabulary) -> None:
    before = vocabulary.with_corpus_tags(["bt"])
    again = PretrainedVocabulary(before.content, LANGUAGES).with_corpus_tags(["bible", "bt"])
    assert dict(again.corpus_tags) == {"bible": 254, "bt": 253}
    assert again.notes == ("added: <bible>, for tags of corpora",)
    kept = PretrainedVocabulary(before.content, LANGUAGES).with_corpus_tags(["bt"])
    assert (kept.rows, kept.notes) == (None, ())


def test_a_piece_that_is_written_as_a_tag_of_a_corpus() -> None:
    content = content_of("nllb")
    content["model"]["vocab"]["<bt>"] = content["model"]["vocab"].pop("madeupword1")
    with pytest.raises(DataError, match="has a piece <bt>, which the tag of a corpus would be written as; choose"):
        PretrainedVocabulary(content, LANGUAGES).with_corpus_tags(["bt"])


def test_what_lacks_a_tag_is_refused() -> None:
    with pytest.raises(ValueError, match="it has no token 'xxx_Latn'"):
        PretrainedVocabulary(content_of("nllb"), {"xx": "xxx_Latn"})
    with pytest.raises(ValueError, match="it names no languages"):
        PretrainedVocabulary(content_of("nllb"), {})
    with pytest.raises(ValueError, match="it has 253 tokens, and origins of 3"):
        PretrainedVocabulary(content_of("nllb"), LANGUAGES, RowOrigins.unchanged(3))
    content = content_of("nllb")
    content["model"]["merges"].append(["zzz", "yyy"])
    with pytest.raises(ValueError, match="it is no tokenizer: "):
        PretrainedVocabulary(content, LANGUAGES)


@pytest.mark.parametrize("name", ["tokenizer.json", TABLE])
def test_a_missing_file_is_named(saved: Path, name: str) -> None:
    (saved / name).unlink()
    with pytest.raises(DataError, match=r"holds no usable vocabulary \(No such file.*it needs tokenizer\.json, "):
        load_vocabulary(saved)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"languages": {"en": 3}}, r"languages\.en: input should be a valid string"),
        ({"languages": {"en": "xxx_Latn"}}, "it has no token 'xxx_Latn'"),
        ({"rows": {"runs": [[0, 3]], "others": {}, "noisy": []}}, r"rows\.runs\.0: "),
        ({"rows": {"runs": [[0, 10**7, 0]], "others": {}, "noisy": []}}, r"rows\.runs\.0\.1: .*less than 2000000"),
        ({"rows": {"runs": [[0, 5, 0]], "others": {}, "noisy": []}}, "it has 253 tokens, and origins of 5"),
        (
            {"rows": {"runs": [[0, 1999999, 0]], "others": {}, "noisy": []}},
            "it has 253 tokens, and origins of 1,999,999",
        ),
        ({"rows": {"runs": [[0, 253, 1]], "others": {}, "noisy": []}}, "it has not one entry for each id"),
        ({"rows": {"runs": [], "others": {"x": [1]}, "noisy": []}}, r"rows\.others\.x"),
    ],
)
def test_a_damaged_table_is_refused(saved: Path, table, message: str) -> None:
    change_json(saved / TABLE, **table)
    with pytest.raises(DataError, match=message):
        load_vocabulary(saved)


def test_a_saved_tokenizer_is_the_form_that_is_kept(vocabulary: PretrainedVocabulary, saved: Path) -> None:
    assert json.loads((saved / "tokenizer.json").read_text()) == vocabulary.content
