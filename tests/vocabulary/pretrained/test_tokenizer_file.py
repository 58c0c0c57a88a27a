"""A `tokenizer.json` as others write it, read as the form that is kept."""

import json
from pathlib import Path
from typing import Any

import pytest

from catscale.vocabulary.pretrained.tokenizer_file import LIMITS, find_charsmap, read_tokenizer_file
from tests.vocabulary.pretrained.folders import content_of, place


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return place("nllb", tmp_path) / "tokenizer.json"


def write(path: Path, **changes: Any) -> Path:
    """Change the file's content; keys of its model by `model_KEY`."""
    content = json.loads(path.read_text())
    for key, value in changes.items():
        place = content["model"] if key.startswith("model_") else content
        place[key.removeprefix("model_")] = value
    path.write_text(json.dumps(content))
    return path


def test_what_is_kept_is_read_again_as_it_is(path: Path) -> None:
    first = read_tokenizer_file(path, 253)
    path.write_text(json.dumps(first))
    assert read_tokenizer_file(path, 253) == read_tokenizer_file(path, None) == first == content_of("nllb")


def test_merges_in_the_way_of_earlier_versions_are_the_same(path: Path) -> None:
    first = read_tokenizer_file(path, 253)
    merges = [" ".join(pair) for pair in json.loads(path.read_text())["model"]["merges"]]
    assert read_tokenizer_file(write(path, model_merges=merges), 253) == first


def test_tags_that_are_added_tokens_alone_have_their_ids(path: Path) -> None:
    """As published: the tags are no pieces, and `<mask>` comes last."""
    first = read_tokenizer_file(path, 253)
    content = json.loads(path.read_text())
    added = {token["content"]: token["id"] for token in content["added_tokens"]}
    pieces = {piece: number for piece, number in content["model"]["vocab"].items() if piece not in added}
    assert {"eng_Latn", "<mask>"} <= added.keys()
    controls = {token: added[token] for token in ("<s>", "<pad>", "</s>", "<unk>")}
    assert read_tokenizer_file(write(path, model_vocab={**controls, **pieces}), 253) == first


def test_a_tag_that_is_not_marked_as_special_is(path: Path) -> None:
    content = json.loads(path.read_text())
    added = [{**token, "special": token["content"] == "<s>"} for token in content["added_tokens"]]
    found = read_tokenizer_file(write(path, added_tokens=added), 253)
    assert found == content_of("nllb")


def test_a_word_that_somebody_added_stays_whole(path: Path) -> None:
    content = json.loads(path.read_text())
    word = {**content["added_tokens"][0], "id": 251, "content": "Ӊ", "special": False}
    found = read_tokenizer_file(write(path, added_tokens=[*content["added_tokens"], word]), 253)
    assert found["added_tokens"][-1] | {"normalized": False} == word | {"normalized": False}
    assert found["model"]["vocab"]["Ӊ"] == 251


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "Unigram"}, r"model\.type: input should be 'BPE', found 'Unigram'"),
        ({"model_byte_fallback": True}, r"model\.byte_fallback: input should be False, found True"),
        ({"model_vocab": {"a": -1}}, r"model\.vocab\.a: .*greater than or equal to 0"),
        ({"model_vocab": [["a", 0.5]]}, r"model\.vocab: "),
        ({"model_merges": [["a"]]}, r"model\.merges\.0"),
        ({"model_merges": ["a b c"]}, r"a merge is of two pieces, found 'a b c'"),
        ({"added_tokens": [{"id": 9, "content": "</s>"}]}, r"the token '</s>' has two ids, 2 and 9"),
        ({"model": None}, r"model: must hold keys"),
    ],
)
def test_another_tokenizer_is_refused(path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_tokenizer_file(write(path, **changes), 253)


def test_what_is_no_json_is_refused(path: Path) -> None:
    path.write_text("{")
    with pytest.raises(ValueError, match="Expecting"):
        read_tokenizer_file(path, None)


def test_a_file_beyond_the_limits_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = type(LIMITS)(1000, 1000)
    monkeypatch.setattr("catscale.vocabulary.pretrained.tokenizer_file.LIMITS", small)
    with pytest.raises(OSError, match="longer than the 1,000 bytes"):
        read_tokenizer_file(path, None)


def test_a_link_is_followed_only_where_a_user_named_the_folder(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(path)
    assert read_tokenizer_file(link, 253, follow=True) == read_tokenizer_file(path, 253)
    with pytest.raises(OSError, match="symbolic link"):
        read_tokenizer_file(link, 253)


@pytest.mark.parametrize(
    ("normalizer", "expected"),
    [
        (None, ""),
        ({"type": "Precompiled", "precompiled_charsmap": "AAAA"}, "AAAA"),
        ({"type": "Sequence", "normalizers": [{"type": "NFC"}, {"precompiled_charsmap": "AA=="}]}, "AA=="),
        ({"type": "Sequence", "normalizers": [3]}, ""),
        ({"type": "Precompiled", "precompiled_charsmap": 3}, ""),
    ],
)
def test_the_rule_is_found_in_a_normalizer(normalizer: Any, expected: str) -> None:
    assert find_charsmap(normalizer) == expected
