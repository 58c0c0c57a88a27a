import pytest

from catscale.corpus_statistics.parts import find_parts
from catscale.errors import DataError
from tests.corpus_statistics.test_guess import write_layout
from tests.data.formats.writers import write_tmx
from tests.data.toy_corpora import sentences, write, write_moses

PAIRS = list(zip(sentences("en", 5), sentences("de", 5), strict=True))


def directions(found):
    return [str(direction) for direction in found.corpus().available]


@pytest.mark.parametrize("kind", ["opus100", "moses", "tsv", "jsonl", "ted", "tmx"])
def test_a_known_layout(tmp_path, kind):
    found = find_parts(write_layout(tmp_path, kind))
    assert [part.format for part in found.parts] == [kind]
    assert directions(found) == ["de-en", "en-de"]


def test_several_layouts_are_several_corpora(tmp_path):
    found = find_parts(write_layout(write_layout(tmp_path, "moses"), "jsonl"))
    assert [part.format for part in found.parts] == ["moses", "jsonl"]


def test_other_names_of_dev_and_test(tmp_path):
    write_moses(tmp_path, {"train": 5, "valid": 3, "devtest": 2})
    (part,) = find_parts(tmp_path).parts
    assert part.splits.model_dump() == {"train": "train", "dev": "valid", "test": "devtest"}


def test_single_files_by_their_endings(tmp_path):
    (tmp_path / "memory.tmx").write_bytes(write_tmx(PAIRS))
    (tmp_path / "memory-test.tmx").write_bytes(write_tmx(PAIRS))
    (tmp_path / "broken.tmx").write_text("<tmx>")
    found = find_parts(tmp_path)
    assert [part.path for part in found.parts] == [tmp_path / "memory.tmx"]
    assert found.held_out == ("memory-test.tmx",)
    assert directions(found) == ["de-en", "en-de"]


def test_many_files_of_one_ending_have_a_pattern(tmp_path):
    for number in range(9):
        (tmp_path / f"memory {number}.tmx").write_bytes(write_tmx(PAIRS))
    found = find_parts(tmp_path)
    assert [(part.format, part.path, part.pattern) for part in found.parts] == [("tmx", tmp_path, "*.tmx")]
    assert sum(1 for _ in found.corpus().pairs("train", found.corpus().available[0])) == 45


def test_files_side_by_side(tmp_path):
    for language in ("en", "de"):
        for name in ("sub/Tatoeba.de-en", "sub/my-dev.de-en"):
            write(tmp_path / f"{name}.{language}", sentences(language, 3))
    found = find_parts(tmp_path)
    assert [(part.path, part.pattern) for part in found.parts] == [(tmp_path / "sub", "Tatoeba.{pair}.{lang}")]
    assert found.held_out == ("sub/my-dev.de-en.de", "sub/my-dev.de-en.en")


def test_nothing_to_read(tmp_path):
    write(tmp_path / "notes.txt", ["nothing"])
    with pytest.raises(
        DataError, match=r"there are notes\.txt; .* opus100: supervised/.*end in \.tsv.*NAME\.az-en\.az"
    ):
        find_parts(tmp_path)
    with pytest.raises(DataError, match="is not a folder"):
        find_parts(tmp_path / "nowhere")
