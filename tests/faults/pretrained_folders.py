"""The searches over the folders of a pre-trained model, which `test_fuzz` runs."""

import base64
import json
from functools import cache
from pathlib import Path
from typing import Any

from catscale.model.base_folder import check_folder
from catscale.system.writing.files import scratch_folder
from catscale.vocabulary.piece_model import read_model
from catscale.vocabulary.pretrained.settings import PretrainedVocabularySettings
from catscale.vocabulary.table import load_vocabulary
from tests.faults.changed_files import mutated, one_of, read_or_told, swapped_json, write_all
from tests.faults.fuzzing import explore
from tests.model.nllb_folder import LINES, train_pieces

TEXT = ["ab ba", "</s> xx_Latn", "ﬁ \u0301e"]
CONTROL = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}
PIECES = {**CONTROL, "▁": 4, "a": 5, "b": 6, "ab": 7, "▁ab": 8}
SIZES = {
    "model_type": "m2m_100", "vocab_size": 12, "d_model": 4, "max_position_embeddings": 8, "encoder_layers": 1,
    "decoder_layers": 1, "encoder_attention_heads": 1, "decoder_attention_heads": 1, "encoder_ffn_dim": 4,
    "decoder_ffn_dim": 4, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "decoder_start_token_id": 2,
}  # fmt: skip


@cache
def small_rule() -> str:
    """A compiled rule that takes a ligature apart."""
    with scratch_folder() as folder:
        (folder / "rule.tsv").write_text("FB01\t66 69\n")
        model = train_pieces(LINES, normalization_rule_tsv=folder / "rule.tsv")
    return base64.b64encode(read_model(model).charsmap).decode()


def tokenizer() -> dict[str, Any]:
    """A small `tokenizer.json`, with a compiled rule."""
    added = [{"id": number, "content": token, "special": True} for token, number in CONTROL.items()]
    return {
        "added_tokens": [*added, {"id": 9, "content": "xx_Latn", "special": True}, {"id": 10, "content": "Ab"}],
        "normalizer": {"type": "Precompiled", "precompiled_charsmap": small_rule()},
        "model": {"type": "BPE", "vocab": PIECES, "merges": [["a", "b"], ["▁", "ab"]], "unk_token": "<unk>"},
    }


def use(folder: Path) -> None:
    """Do what a run does with a folder's vocabulary."""
    settings = PretrainedVocabularySettings(path=folder)
    settings.check()
    settings.check_languages(["xx_Latn"])
    vocabulary = settings.build([], ["xx_Latn"], lambda line: None)
    ids = vocabulary.encode(TEXT)
    assert all(0 <= number < vocabulary.size for line in ids for number in line)
    assert not {0, 1, 2, vocabulary.tag("xx_Latn")} & {number for line in ids for number in line}
    vocabulary.decode(ids)


def nllb_folders(tmp_path: Path, seconds: float | None) -> int:
    """The two files of NLLB's form, of the right form and the wrong shape."""
    files: dict[str, Any] = {"tokenizer.json": tokenizer(), "config.json": SIZES}
    originals = {name: json.dumps(content).encode() for name, content in files.items()}

    def check(found: tuple[str, bytes]) -> None:
        write_all(tmp_path, originals, found)
        read_or_told(lambda: use(tmp_path))
        read_or_told(lambda: check_folder(tmp_path))

    check(("config.json", originals["config.json"]))
    use(tmp_path)
    return explore(check, one_of(files, swapped_json), seconds)


def sentencepiece_folders(tmp_path: Path, seconds: float | None) -> int:
    """M2M-100's form, with other bytes."""
    names = [*sorted(CONTROL, key=lambda token: CONTROL[token]), "▁", "a", "b", "ab"]
    files = {
        "sentencepiece.bpe.model": train_pieces(LINES, normalization_rule_name="identity"),
        "vocab.json": json.dumps({name: number for number, name in enumerate(names)}).encode(),
        "config.json": json.dumps({**SIZES, "vocab_size": 108}).encode(),
    }

    def check(found: tuple[str, bytes]) -> None:
        write_all(tmp_path, files, found)
        settings = PretrainedVocabularySettings(path=tmp_path)
        read_or_told(lambda: settings.build([], ["en"], lambda line: None).encode(TEXT))

    check(("vocab.json", files["vocab.json"]))
    return explore(check, one_of(files, mutated), seconds)


def saved_vocabularies(tmp_path: Path, seconds: float | None) -> int:
    """What a run's folder holds, as if somebody had made it."""
    (tmp_path / "base").mkdir()
    for name, content in (("tokenizer.json", tokenizer()), ("config.json", SIZES)):
        (tmp_path / "base" / name).write_text(json.dumps(content))
    new: dict[str, Any] = {"new_languages": {"yy": {"tag": "yy_Latn"}}}
    made = PretrainedVocabularySettings.model_validate({"path": tmp_path / "base", **new})
    made.build([], ["xx_Latn", "yy"], lambda line: None).save(tmp_path)
    originals = {path.name: path.read_bytes() for path in tmp_path.glob("*.json")}

    def check(found: tuple[str, bytes]) -> None:
        write_all(tmp_path, originals, found)
        loaded = read_or_told(lambda: load_vocabulary(tmp_path))
        if loaded is not None:
            loaded.decode(loaded.encode(TEXT))

    return explore(check, one_of(originals, lambda content: swapped_json(json.loads(content))), seconds)
