"""Two translations of the same sentences: what is said, and what is refused."""

import pytest

from catscale.data.direction import Direction
from catscale.errors import CheckpointError
from catscale.evaluation.config import EvaluationConfig
from catscale.run.exporting import equality as module
from catscale.run.exporting.equality import Equality, RunTranslations, compare_with
from catscale.run.exporting.form import ExportFormat

EXACT, ROUNDED = ExportFormat("hf"), ExportFormat("ctranslate2", "int8")
LINES = [f"line {number}" for number in range(20)]
OWN = [f"own translation {number}" for number in range(20)]


def pair_of(differing: int) -> Equality:
    return Equality(LINES, OWN, [*("another" for _ in range(differing)), *OWN[differing:]])


def said_of(form: ExportFormat, differing: int) -> str:
    said: list[str] = []
    pair_of(differing).check(form, said.append)
    (line,) = said
    return line


def test_equal_translations_are_said_to_be():
    for form in (EXACT, ROUNDED):
        assert said_of(form, 0) == "all of 20 sentences are translated as by the run"


def test_rounded_weights_give_a_share_and_chrf():
    assert said_of(ROUNDED, 5).startswith("15 of 20 sentences (75%) are translated as by the run; chrF between the two")
    assert 0 < pair_of(5).chrf < 100
    assert pair_of(0).chrf == pytest.approx(100)


def test_exact_weights_are_warned_of_and_from_a_tenth_on_refused():
    assert said_of(EXACT, 2).startswith(
        "warning: 2 of 20 sentences are translated otherwise than by the run, where all should be equal; the first is "
        "'line 0': 'own translation 0' by the run, 'another' by the exported model"
    )
    with pytest.raises(CheckpointError, match=r"3 of 20 sentences .*; nothing was exported.*leave the check out with"):
        pair_of(3).check(EXACT, print)


def test_nothing_compared_is_said_to_be():
    assert Equality((), (), ()).describe() == "not compared with the run's translations"


def test_directions_are_compared_by_their_tags(monkeypatch, tmp_path):
    asked = []

    def translate(tags, lines):
        asked.append(tags)
        return [line.upper() for line in lines]

    monkeypatch.setattr(module, "load_exported", lambda form, folder, settings, positions: translate)
    own = {Direction("en", "az"): (["a", "b"], ["A", "x"]), Direction("en", "be"): (["c"], ["C"])}
    tags = {"en": "<en>", "az": "<az>", "be": "<be>"}
    found = compare_with(EXACT, tmp_path, tags, RunTranslations(own, 9), EvaluationConfig())
    assert asked == [("<en>", "<az>"), ("<en>", "<be>")]
    assert found == Equality(["a", "b", "c"], ["A", "x", "C"], ["A", "B", "C"])
    assert found.differing == [1]
