import json
import os
from pathlib import Path

import pytest
from sentencepiece import sentencepiece_model_pb2

from catscale.data import DataConfig, prepare
from catscale.errors import DataError
from catscale.vocabulary.contract import Vocabulary
from catscale.vocabulary.existing_model import load_piece_model
from catscale.vocabulary.piece_model import read_model, rebuild_model
from catscale.vocabulary.sentencepiece import SentencePieceVocabulary
from catscale.vocabulary.table import load_vocabulary
from catscale.vocabulary.training import SentencePieceSettings, train_vocabulary
from tests.data.test_round_trip import ODD
from tests.data.toy_corpora import sentences, write_moses
from tests.unchecked import unchecked
from tests.vocabulary.models import train

LINES = [line for language in ("en", "de", "az") for line in sentences(language, 300)] + ODD


@pytest.fixture(scope="module", params=["identity", "nmt_nfkc"])
def vocabulary(request) -> Vocabulary:
    return train_vocabulary(SentencePieceSettings(size=700, normalisation=request.param), LINES, ["az", "de", "en"])


def test_what_a_model_says_of_itself():
    about = train_vocabulary(SentencePieceSettings(size=700), LINES, ["en"]).about
    assert (about.kind, about.rule, about.charsmap, about.keeps_spaces) == ("bpe", "identity", b"", True)
    assert about.is_unchanging
    assert about.pieces[:4] == ("<s>", "<pad>", "</s>", "<unk>")
    assert len(about.pieces) == 700
    old = train_vocabulary(SentencePieceSettings(size=700, normalisation="nmt_nfkc"), LINES, ["en"]).about
    assert (old.rule, old.keeps_spaces, old.is_unchanging) == ("nmt_nfkc", False, False)
    assert len(old.charsmap) > 10_000


def test_a_folder_that_transformers_saved_again_is_the_same_vocabulary(vocabulary, tmp_path):
    from transformers import AutoTokenizer

    vocabulary.save(tmp_path / "best")
    AutoTokenizer.from_pretrained(tmp_path / "best", src_lang="__de__").save_pretrained(tmp_path / "tuned")
    assert not (tmp_path / "tuned" / "sentencepiece.bpe.model").exists()
    again = load_vocabulary(tmp_path / "tuned")
    assert again.is_same(vocabulary)
    assert vocabulary.is_same(again)
    ids = vocabulary.encode(LINES)
    assert again.encode(LINES) == ids
    assert again.decode(ids) == vocabulary.decode(ids)
    assert unchecked(again).about.kind == "bpe"
    again.save(tmp_path / "third")
    third = load_vocabulary(tmp_path / "third")
    assert third.is_same(vocabulary)
    given = load_piece_model(SentencePieceSettings(path=tmp_path / "tuned").model_file, vocabulary.languages)
    assert given.is_same(vocabulary)
    settings = json.loads((tmp_path / "tuned" / "tokenizer_config.json").read_text())
    settings["additional_special_tokens"] = settings.pop("extra_special_tokens")  # as an older transformers has it
    (tmp_path / "tuned" / "tokenizer_config.json").write_text(json.dumps(settings))
    assert load_vocabulary(tmp_path / "tuned").languages == ("az", "de", "en")


@pytest.mark.parametrize("rule", ["identity", "nmt_nfkc"])
@pytest.mark.parametrize("is_rid", [False, True])
def test_a_given_model_saved_again_is_the_same_whether_it_keeps_spaces_or_not(tmp_path, rule, is_rid):
    """transformers' tokenizer has no place for the setting, whose default is another than ours."""
    (tmp_path / "given").write_bytes(train(normalization_rule_name=rule, remove_extra_whitespaces=is_rid))
    given = load_piece_model(tmp_path / "given", ["de", "en"])
    given.save(tmp_path / "best")
    (tmp_path / "best" / "sentencepiece.bpe.model").unlink()
    again = load_vocabulary(tmp_path / "best")
    assert again.is_same(given)
    assert given.is_same(again)
    lines = sentences("de", 20)
    assert again.encode(lines) == given.encode(lines)
    assert not again.is_same(SentencePieceVocabulary(train(vocab_size=690), ["de", "en"]))


def test_another_vocabulary_is_not_the_same(vocabulary):
    other = train_vocabulary(
        SentencePieceSettings(size=690, normalisation=vocabulary.about.rule), LINES, ["az", "de", "en"]
    )
    assert not vocabulary.is_same(other)
    assert not vocabulary.is_same(SentencePieceVocabulary(vocabulary.model, ["az", "de"]))
    for change in ({"remove_extra_whitespaces": vocabulary.about.keeps_spaces}, {"precompiled_charsmap": b"other"}):
        proto = sentencepiece_model_pb2.ModelProto()
        proto.ParseFromString(vocabulary.model)
        for name, value in change.items():
            setattr(proto.normalizer_spec, name, value)
        about = read_model(proto.SerializeToString())
        assert about.pieces == vocabulary.about.pieces
        changed = SentencePieceVocabulary(vocabulary.model, vocabulary.languages)
        changed.model, changed.about = proto.SerializeToString(), about
        assert not vocabulary.is_same(changed)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": {"type": "Unigram", "vocab": []}}, "holds a Unigram model, needed is BPE without byte fallback"),
        ({"model": {"type": "BPE", "vocab": {}, "byte_fallback": True}}, "needed is BPE without byte fallback"),
        ({"model": {"type": "BPE", "vocab": {"<s>": 0, "</s>": 1}}}, "begins with .'<s>', '</s>'., needed are"),
        ({"model": {"type": "BPE", "vocab": {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "a": 9}}}, "ids without gap"),
        ({"model": None}, "TypeError"),
        ({}, "KeyError"),
    ],
)
def test_a_tokenizer_of_another_kind(vocabulary, tmp_path, change, message):
    vocabulary.save(tmp_path)
    (tmp_path / "sentencepiece.bpe.model").unlink()
    (tmp_path / "tokenizer.json").write_text(json.dumps(change))
    with pytest.raises(DataError, match=f"holds no usable vocabulary .*{message}.*prepare again or choose another"):
        load_vocabulary(tmp_path)


def test_a_wrong_model_is_refused_before_the_corpus_is_read(tmp_path):
    (tmp_path / "given").write_bytes(train(model_type="unigram", vocab_size=230))
    root = write_moses(tmp_path / "c", {"train": 40, "dev": 5})
    (root / "train.en").write_bytes(b"\xff\n" * 40)  # an error as soon as it is read
    data = DataConfig(format="moses", path=root, directions=["en-de"], store=tmp_path / "s")
    with pytest.raises(DataError, match="given is a unigram model"):
        prepare(data, SentencePieceSettings(path=tmp_path / "given"))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Path.mkdir, r"sentencepiece\.bpe\.model is no readable SentencePiece model: No such file"),
        (os.mkfifo, "is no readable SentencePiece model: it is a pipe, not a regular file"),
        (lambda path: None, "is no readable SentencePiece model: No such file"),
        (lambda path: path.symlink_to("/dev/zero"), "is no readable SentencePiece model: it is a device"),
    ],
)
def test_no_file(tmp_path, make, reason):
    """Each is refused before the corpus is looked for, and none is waited for."""
    make(tmp_path / "given")
    data = DataConfig(format="moses", path=tmp_path / "gone", directions=["en-de"], store=tmp_path / "s")
    with pytest.raises(DataError, match=f"{reason}.*give the file of one, or a folder with"):
        prepare(data, SentencePieceSettings(path=tmp_path / "given"))


def test_the_merges_make_no_control_token():
    """A model with the pieces `<unk` and `>`, which would merge to `<unk>`: typed, that stays text."""
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *"▁<unk>/sa", "un", "unk", "<unk", "</", "</s"]
    content = {"model": {"type": "BPE", "vocab": {piece: n for n, piece in enumerate(dict.fromkeys(pieces))}}}
    vocabulary = SentencePieceVocabulary(rebuild_model(content), ["en"])
    typed = ["<unk>", "a<unk>a", "</s> <s>", "unk"]
    ids = vocabulary.encode(typed)
    assert ids[0] == [pieces.index(piece) for piece in ("▁", "<unk", ">")]
    assert all(id_ >= 4 for line in ids for id_ in line)
    assert vocabulary.decode(ids) == typed
    assert vocabulary.hugging_face()(typed, add_special_tokens=False).input_ids == ids


def test_rebuilding_needs_no_folder(vocabulary):
    content = json.loads(vocabulary.hugging_face().backend_tokenizer.to_str())
    assert SentencePieceVocabulary(rebuild_model(content), vocabulary.languages).is_same(vocabulary)


def test_what_is_no_model_is_refused():
    with pytest.raises(ValueError, match="it is no SentencePiece model"):
        read_model(b"no model")
