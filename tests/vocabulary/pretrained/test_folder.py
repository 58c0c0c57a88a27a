"""The tokenizer of a folder, in whatever files it lies, and what is said where there is none."""

import json
from pathlib import Path

import pytest

from catscale.errors import ConfigError, DataError
from catscale.vocabulary.pretrained.folder import BaseFolder
from tests.model.nllb_folder import LINES
from tests.vocabulary.pretrained.folders import change_json, content_of, place


def test_the_form_is_told_by_the_files(tmp_path: Path) -> None:
    nllb = BaseFolder(place("nllb", tmp_path / "nllb"))
    assert nllb.form == ("tokenizer.json",)
    assert [path.name for path in nllb.inputs] == ["tokenizer.json"]
    m2m = BaseFolder(place("m2m100", tmp_path / "m2m"))
    assert m2m.form == ("vocab.json", "sentencepiece.bpe.model")
    assert [path.name for path in m2m.inputs] == [*m2m.form, "tokenizer_config.json"]
    bare = BaseFolder(place("nllb", tmp_path / "bare", "sentencepiece.bpe.model", "config.json"))
    assert [path.name for path in bare.inputs] == ["sentencepiece.bpe.model"]


@pytest.mark.parametrize(("name", "size", "tag"), [("nllb", 253, "eng_Latn"), ("m2m100", 349, "__en__")])
def test_all_forms_become_one(tmp_path: Path, name: str, size: int, tag: str) -> None:
    folder = BaseFolder(place(name, tmp_path))
    assert folder.content == content_of(name)
    assert len(folder.content["model"]["vocab"]) == size == folder.sizes["vocab_size"]
    assert tag in {token["content"] for token in folder.content["added_tokens"]}


def test_a_bare_sentencepiece_model_is_nllb_s(tmp_path: Path) -> None:
    folder = place("nllb", tmp_path, "sentencepiece.bpe.model", "config.json")
    change_json(folder / "config.json", vocab_size=446)
    assert BaseFolder(folder).content["model"]["vocab"]["zul_Latn"] == 442


@pytest.mark.parametrize("name", ["nllb", "m2m100"])
def test_its_own_tokenizer_cuts_alike(tmp_path: Path, name: str) -> None:
    from catscale.vocabulary.extension import tokenizer_of

    folder = BaseFolder(place(name, tmp_path))
    own = folder.own_tokenizer()
    found = tokenizer_of(folder.content).encode_batch(LINES, add_special_tokens=False)
    assert own(LINES, add_special_tokens=False).input_ids == [one.ids for one in found]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("facebook/nllb", r"is no folder; .*downloads no model: .*`hf download facebook/nllb --local-dir nllb`"),
        ("/models/gone", r"`hf download OWNER/NAME --local-dir /models/gone`, and give its folder"),
    ],
)
def test_a_folder_that_is_missing_is_not_downloaded(path: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _ = BaseFolder(Path(path)).content
    with pytest.raises(ConfigError, match=message):
        _ = BaseFolder(Path(path)).sizes


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(ConfigError, match="is no folder; give the folder that the file lies in"):
        _ = BaseFolder(tmp_path / "model.safetensors").content


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    folder = place("nllb", tmp_path, "config.json", "model.safetensors")
    message = r"has no tokenizer, needed is tokenizer\.json, or vocab\.json with .*copy the files of the tokenizer"
    with pytest.raises(ConfigError, match=message):
        _ = BaseFolder(folder).content


@pytest.mark.parametrize("name", ["form", "sizes", "content"])
def test_a_run_s_own_folder_is_refused(tmp_path: Path, name: str) -> None:
    place("nllb", tmp_path / "best")
    with pytest.raises(ConfigError, match=r"is the folder of a run; give .*best, the model of that run"):
        getattr(BaseFolder(tmp_path), name)


def test_a_tokenizer_of_another_kind_is_refused(tmp_path: Path) -> None:
    folder = place("nllb", tmp_path)
    content = json.loads((folder / "tokenizer.json").read_text())
    content["model"] = {"type": "Unigram", "vocab": [["a", 0.0]]}
    (folder / "tokenizer.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"cannot be used: .*found 'Unigram'.*allowed are BPE tokenizers of M2M-100"):
        _ = BaseFolder(folder).content


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vocab_size": 100}, r"cannot be used: the id \d+ of .* is not below the 100 rows of the model's table"),
        ({"eos_token_id": 4}, r"has </s> at 2, and its config\.json has eos_token_id 4; put the tokenizer that"),
        ({"vocab_size": "x"}, r"config\.json cannot be read \(vocab_size: .*\); give the folder of a whole model"),
        ({"vocab_size": 10**9}, r"config\.json cannot be read \(vocab_size: "),
    ],
)
def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path, changes, message: str) -> None:
    folder = place("nllb", tmp_path)
    change_json(folder / "config.json", **changes)
    with pytest.raises(DataError, match=message):
        _ = BaseFolder(folder).content
