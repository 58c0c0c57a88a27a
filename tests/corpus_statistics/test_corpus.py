"""The statistics of a corpus, put together from those of its directions."""

import json

import pytest

from catscale.corpus_statistics.corpus import sum_up
from catscale.data.direction import Direction
from tests.corpus_statistics.figures import figures_of

EN_AZ, EN_RU = Direction("en", "az"), Direction("en", "ru")
FIGURES = {EN_AZ: {"train": figures_of(100), "dev": figures_of(7)}, EN_RU: {"train": figures_of(300)}}


def test_the_balance_is_of_train_alone():
    found = sum_up("corpus", "moses", None, [], FIGURES)
    assert found.balance.pairs == {"en-az": 100, "en-ru": 300}
    assert (found.balance.total, found.balance.largest_to_smallest) == (400, 3)
    assert found.balance.entropy_nats == pytest.approx(0.562335, abs=1e-6)  # of 1/4 and 3/4


def test_a_direction_without_train_is_no_part_of_the_balance():
    found = sum_up("corpus", "moses", None, [], {**FIGURES, Direction("az", "ru"): {"dev": figures_of(50)}})
    assert "az-ru" not in found.balance.pairs
    assert found.directions["az-ru"]["dev"].pairs == 50


def test_what_is_estimated_is_noted_once_and_by_name():
    given = ["a remark"]
    estimated = {"train": figures_of(9, sampled=0.5), "test": figures_of(9, sampled=0.25)}
    exact = {"train": figures_of(1)}
    found = sum_up("c", "moses", None, given, {EN_RU: estimated, EN_AZ: estimated, Direction("az", "ru"): exact})
    assert found.notes == ["a remark", "duplicates are estimated on a sample of the distinct lines in en-az, en-ru"]
    assert given == ["a remark"], "the caller's list is left as it was"
    assert sum_up("corpus", "moses", None, given, FIGURES).notes == given


def test_all_of_it_fits_into_a_json_file():
    content = json.loads(json.dumps(sum_up("p", "token store", "v", [], FIGURES).as_json(), allow_nan=False))
    assert set(content) == {"path", "format", "vocabulary", "notes", "directions", "balance"}
    assert (content["path"], content["format"], content["vocabulary"]) == ("p", "token store", "v")
    assert content["directions"]["en-az"]["dev"]["pairs"] == 7
    assert content["balance"]["pairs"] == {"en-az": 100, "en-ru": 300}
