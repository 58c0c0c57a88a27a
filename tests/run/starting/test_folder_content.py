import pytest

from catscale.errors import DataError
from catscale.run.starting.folder_content import choose_hub, look_into
from tests.data.toy_corpora import sentences, write, write_moses


def test_the_hub_is_in_most_pairs():
    pairs = [frozenset(pair.split()) for pair in ("az tr", "ru tr", "az kk")]
    assert choose_hub(pairs) == "az"
    assert choose_hub([*pairs, frozenset(("en", "az"))]) == "az"
    assert choose_hub([frozenset(("az", "eng"))]) == "eng"


def test_directions_begin_from_the_hub_the_smallest_first(tmp_path):
    for code, number in (("de", 5), ("az", 3)):
        for language in ("en", code):
            write(tmp_path / f"train.en-{code}.{language}", sentences(language, number))
    write(tmp_path / "dev.en-de.en", sentences("en", 2))
    write(tmp_path / "dev.en-de.de", sentences("de", 2))
    found = look_into(tmp_path)
    assert [str(direction) for direction in found.directions] == ["en-az", "en-de"]
    assert found.languages == ("en", "az", "de")
    assert [str(direction) for direction in found.lacking["dev"]] == ["en-az"]
    assert len(found.lacking["test"]) == 2
    assert (found.volume.total, found.held_out) == (8, 2)


def test_pairs_without_the_hub_are_told(tmp_path):
    found = look_into(write_moses(tmp_path, {"train": 5}, ("az", "de", "en")))
    assert [str(direction) for direction in found.others] == ["az-de"]


def test_a_direction_without_text_is_left_out(tmp_path):
    write(tmp_path / "train.tsv", ["en\taz\tde", "a\tx\t", "b\ty\t"])
    found = look_into(tmp_path)
    assert [str(direction) for direction in found.directions] == ["en-az"]
    assert [str(direction) for direction in found.empty] == ["en-de"]


def test_a_table_without_header_is_left_out_with_its_fault(tmp_path):
    table = write(tmp_path / "train.en-gl.tsv", ["a house\tunha casa"])
    with pytest.raises(DataError, match=r"train\.en-gl\.tsv has no column 'en' in its header"):
        look_into(tmp_path)
    write_moses(tmp_path, {"train": 3})
    found = look_into(tmp_path)
    assert [str(direction) for direction in found.directions] == ["en-de"]
    assert {str(direction) for direction in found.unreadable} == {"en-gl"}
    assert str(table) in next(iter(found.unreadable.values()))


def test_no_text_at_all(tmp_path):
    write(tmp_path / "train.en", [" "])
    write(tmp_path / "train.de", [" "])
    with pytest.raises(DataError, match="hold no pair with text on both sides of en-de"):
        look_into(tmp_path)
