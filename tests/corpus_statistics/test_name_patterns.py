import pytest

from catscale.corpus_statistics.name_patterns import NamePattern, find_held_out, find_patterns
from catscale.data.corpus_config import SplitNames


@pytest.mark.parametrize(
    ("names", "pattern", "splits"),
    [
        ("train.en-az.az.txt train.en-az.en.txt dev.en-az.az.txt dev.en-az.en.txt", "{split}.{pair}.{lang}.txt", {}),
        ("ted-train.orig.aze ted-train.orig.eng ted-dev.orig.aze ted-dev.orig.eng", "ted-{split}.orig.{lang}", {}),
        ("Tatoeba.az-en.az Tatoeba.az-en.en Tatoeba.az-en.xml LICENSE", "Tatoeba.{pair}.{lang}", {}),
        ("en.txt az.txt", "{lang}.txt", {}),
        ("train.en train.az words.en words.az", "{split}.{lang}", {}),
        ("training.en training.de valid.en valid.de", "{split}.{lang}", {"train": "training", "dev": "valid"}),
        (
            "train.en.gz train.fr.gz val.en.gz val.fr.gz test_2018.en.gz test_2016.en.gz",
            "{split}.{lang}",
            {"dev": "val", "test": "test_2016"},
        ),
    ],
)
def test_a_pattern_is_read_off_names(names, pattern, splits):
    assert find_patterns(names.split()) == [NamePattern(pattern, SplitNames(**splits))]


@pytest.mark.parametrize(
    "names", ["train.en", "train.en train.tmx", "dev.en dev.az", "a.en b.az", "x{y}.en x{y}.az", "notes.txt image.png"]
)
def test_no_pattern_where_no_two_languages_have_train_files(names):
    assert find_patterns(names.split()) == []


def test_several_corpora_side_by_side_are_several_patterns():
    names = [f"{corpus}.az-en.{language}" for corpus in ("QED", "Tatoeba") for language in ("az", "en")]
    assert [found.pattern for found in find_patterns(names)] == ["QED.{pair}.{lang}", "Tatoeba.{pair}.{lang}"]


def test_a_word_within_a_word_is_no_split():
    assert find_held_out("my_test.tmx")
    assert not find_held_out("latest.tmx")
