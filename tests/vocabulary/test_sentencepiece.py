import dataclasses
import json
import subprocess
import sys
import unicodedata

import pytest

from catscale.errors import DataError
from catscale.vocabulary.agreement import find_disagreement
from catscale.vocabulary.sentencepiece import SentencePieceVocabulary
from catscale.vocabulary.table import load_vocabulary
from catscale.vocabulary.training import SentencePieceSettings, train_vocabulary
from tests.data.toy_corpora import sentences
from tests.unchecked import unchecked

LINES = [line for language in ("en", "de", "az") for line in sentences(language, 300)] + ["fine ﬁ ½ … __en__ <s>"]
HARD = [
    "",
    "  two  spaces",
    "__en__ cat",
    "</s> <mask> <s>",
    "a\u2028b",
    "日本 cat",
    "\u00a0the\tcat",
    "K\u0308",
]
STRIPPED = [line.strip() for line in HARD]


@pytest.fixture(scope="module")
def vocabulary() -> SentencePieceVocabulary:
    return train_vocabulary(SentencePieceSettings(size=200), LINES, ["az", "de", "en"])


def test_ids(vocabulary):
    assert vocabulary.control_ids == (0, 1, 2, 3)
    assert (vocabulary.pieces, vocabulary.pieces, vocabulary.size) == (200, 200, 204)
    assert [vocabulary.tag(language) for language in vocabulary.languages] == [201, 202, 203]
    with pytest.raises(DataError, match="no language 'fr'; it has az, de, en: choose one"):
        vocabulary.tag("fr")


def test_text_survives(vocabulary):
    lines = sentences("az", 20, start=500)
    ids = vocabulary.encode(lines)
    assert vocabulary.decode(ids) == lines
    assert vocabulary.decode([[vocabulary.tag("az"), *ids[0], vocabulary.eos_id, vocabulary.pieces, 1]]) == lines[:1]
    assert vocabulary.decode([]) == []


def test_what_a_user_types_stays_text(vocabulary):
    ids = vocabulary.encode(["__en__ </s> <s> <mask>"])[0]
    assert all(3 <= i < vocabulary.pieces for i in ids)


def test_training_is_deterministic(vocabulary):
    again = train_vocabulary(SentencePieceSettings(size=200), LINES, vocabulary.languages)
    assert again.model == vocabulary.model


def test_saved_files_serve_us_and_a_process_without_us(vocabulary, tmp_path):
    vocabulary.save(tmp_path)
    loaded = load_vocabulary(tmp_path)
    assert (unchecked(loaded).model, loaded.languages) == (vocabulary.model, vocabulary.languages)
    program = (
        "import sys, json; from transformers import AutoTokenizer; t = AutoTokenizer.from_pretrained(sys.argv[1]);"
        "t.src_lang = '__de__'; a = t(json.loads(sys.argv[2])).input_ids;"
        "assert 'catscale' not in sys.modules; print(json.dumps([len(t), t.mask_token_id, a]))"
    )
    command = [sys.executable, "-c", program, str(tmp_path), json.dumps(STRIPPED)]
    output = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    ids = [[vocabulary.tag("de"), *line, vocabulary.eos_id] for line in vocabulary.encode(STRIPPED)]
    assert output == [vocabulary.size, vocabulary.pieces, ids]


def test_agreement_is_checked(vocabulary, monkeypatch):
    said: list[str] = []
    tokenizer = vocabulary.hugging_face()
    assert find_disagreement(vocabulary.encode, tokenizer, [*LINES, *HARD, "trailing  ", "  leading"]) == []
    vocabulary.check([*LINES, "▁ and ▅ and \0"], said.append)
    assert said == [f"the Hugging Face tokenizer cuts all of {len(LINES)} lines alike"]

    def wrong(lines):
        return [
            [*ids[:-1], 5] if line == LINES[7] else ids
            for line, ids in zip(lines, SentencePieceVocabulary.encode(vocabulary, lines), strict=True)
        ]

    monkeypatch.setattr(vocabulary, "encode", wrong)
    message = r"cuts 1 of 301 lines otherwise than SentencePiece, first 'red red a.*at most 1 in 1,000 may differ"
    with pytest.raises(DataError, match=message):
        vocabulary.check(LINES[:301], said.append)
    vocabulary.check(LINES + LINES[100:300], said.append)
    assert "warning: the Hugging Face tokenizer of the run will cut 1 of 1,101 lines otherwise" in said[-1]


def test_decomposed_text_is_warned_of_under_a_rule_that_composes():
    """One line of a hundred ended the preparation (huggingface/tokenizers#2116): transformers drops marks."""
    lines = [*LINES[:594], *(unicodedata.normalize("NFD", "mang muốn thấy hạ thuyền vẽ sông thấy") for _ in range(6))]
    old = train_vocabulary(SentencePieceSettings(size=200, normalisation="nmt_nfkc"), lines, ["en", "vi"])
    said: list[str] = []
    old.check(lines, said.append)
    assert "warning: the Hugging Face tokenizer of the run will cut 6 of 600 lines otherwise" in said[0]
    assert "under the rule nmt_nfkc" in said[0]
    new, said = train_vocabulary(SentencePieceSettings(size=200), lines, ["en", "vi"]), []
    new.check(lines, said.append)
    assert said == ["the Hugging Face tokenizer cuts all of 600 lines alike"]


def test_marks_join_their_letters():
    """Marks of a script of their own (Inherited) would else stay single pieces of decomposed text."""
    decomposed = [unicodedata.normalize("NFD", line) for line in ("người không được", "mang muốn thấy") * 200]
    trained = train_vocabulary(SentencePieceSettings(size=60), decomposed, ["vi"])
    words = sum(len(line.split()) for line in decomposed[:2])
    assert [len(ids) for ids in trained.encode(decomposed[:2])] == [words // 2] * 2
    assert trained.decode(trained.encode(decomposed[:2])) == decomposed[:2]


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (9000, r"size 9,000 is larger than the training text allows, which is [\d,]+; lower vocabulary\.size to \d+"),
        (10, r"size 10 is smaller than the \d+ characters of the training text; raise vocabulary\.size"),
    ],
)
def test_impossible_sizes(size, message):
    with pytest.raises(DataError, match=message):
        train_vocabulary(SentencePieceSettings(size=size), LINES, ["en", "de"])


def test_the_possible_size_is_possible():
    with pytest.raises(DataError) as caught:
        train_vocabulary(SentencePieceSettings(size=9000), LINES, ["en"])
    size = int(str(caught.value).split(" or less")[0].split()[-1])
    assert train_vocabulary(SentencePieceSettings(size=size), LINES, ["en"]).pieces == size


def test_no_text():
    with pytest.raises(DataError, match="SentencePiece could not train a vocabulary of 8,000"):
        train_vocabulary(SentencePieceSettings(), [], ["en"])


def test_unusable_folder(tmp_path):
    with pytest.raises(DataError, match=r"holds no usable vocabulary .*prepare again"):
        load_vocabulary(tmp_path)


def test_tags_of_corpora_come_after_all_others(vocabulary, tmp_path):
    tagged = vocabulary.with_corpus_tags(["bt", "bible"])
    assert (tagged.size, dict(tagged.corpus_tags)) == (206, {"bt": 204, "bible": 205})
    assert tagged.corpus_tag("bible") == 205
    with pytest.raises(DataError, match="has no tag 'web' of a corpus; it has bt, bible: choose one"):
        tagged.corpus_tag("web")
    with pytest.raises(DataError, match="has no tag 'bt' of a corpus; it has none"):
        vocabulary.corpus_tag("bt")
    tokenizer = tagged.hugging_face()
    assert tokenizer.convert_tokens_to_ids(["<bt>", "<bible>", "__en__"]) == [204, 205, vocabulary.tag("en")]
    assert find_disagreement(tagged.encode, tokenizer, ["<bt> the cat", "__en__ <bible>"]) == []
    tokenizer.save_pretrained(tmp_path)  # as transformers saves it after fine-tuning
    loaded = load_vocabulary(tmp_path)
    assert loaded.is_same(tagged)
    assert loaded.languages == vocabulary.languages


def test_a_piece_that_is_written_as_a_tag(vocabulary):
    odd = SentencePieceVocabulary(vocabulary.model, ["en"])
    odd.about = dataclasses.replace(odd.about, pieces=(*odd.about.pieces, "<bt>"))
    with pytest.raises(DataError, match="has a piece <bt>, which the tag of a corpus would be written as; choose"):
        odd.with_corpus_tags(["bible", "bt"])
