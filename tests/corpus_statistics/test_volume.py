from catscale.corpus_statistics import volume
from catscale.corpus_statistics.parts import find_parts
from catscale.corpus_statistics.volume import Volume, measure_volume
from catscale.data.direction import Direction
from tests.data.toy_corpora import write

EN_DE = Direction("en", "de")


def write_text(root):
    write(root / "train.en", ["a b", "b c", " "])
    write(root / "train.de", ["x y", "y", "z"])
    return find_parts(root).corpus()


def test_pairs_characters_and_words_are_counted(tmp_path):
    assert measure_volume(write_text(tmp_path), [EN_DE]) == Volume({EN_DE: 2}, {EN_DE: 4}, alphabet=6, words=5)


def test_what_is_collected_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(volume, "LOOKED_AT", 1)
    monkeypatch.setattr(volume, "WORDS", 2)
    found = measure_volume(write_text(tmp_path), [EN_DE])
    assert (found.total, found.alphabet, found.words) == (2, 5, 2)
