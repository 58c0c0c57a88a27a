"""`catscale translate`: what is refused before a line is read, members of an ensemble, and what is noted at the end."""

import json
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from catscale.data.direction import Direction
from catscale.errors import CheckpointError, ConfigError, DataError
from catscale.evaluation.decoding.contract import Wanted
from catscale.evaluation.translate import Translation
from catscale.run.commands import translate as module
from catscale.run.commands.translate import _translate, find_member, translate

AZ = Direction("en", "az")


class Words:
    """A vocabulary that tells itself by its name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def is_same(self, other: Any) -> bool:
        return self.name == other.name

    def source_prefix(self, tag: str | None) -> list[int]:
        if tag == "web":
            raise DataError("no tag 'web'")
        return [] if tag is None else [77]


SAME: Any = Words("first")
OTHER: Any = Words("other")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run from English to az and be, whose model and vocabulary the test stands for."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.yaml").write_text("evaluation: {beam: 4}\ntraining: {device: cpu}\n")
    (folder / "environment.json").write_text(json.dumps({"train_pairs": {"en-az": 5, "en-be": 3}}))
    monkeypatch.setattr(module, "best_folder", lambda folder, say: folder / "best")
    monkeypatch.setattr(module, "load_vocabulary", lambda best: Words("first"))
    monkeypatch.setattr(module, "decoders_of", lambda best: ("huggingface",))
    monkeypatch.setattr(module, "converted_best", lambda *arguments: nullcontext(None))
    monkeypatch.setattr(module, "load_decoder", lambda *arguments, **options: SimpleNamespace(options=options))
    monkeypatch.setattr(
        module,
        "translate_chunk",
        lambda lines, direction, before, **_: [[Translation(f"{direction}: {[*before, line]}")] for line in lines],
    )
    return folder


def never() -> Any:
    raise AssertionError("a line was read")
    yield


def test_each_line_gives_its_translations_in_order(run):
    found = translate(run, "az", None, [["a", "b"], ["c"]], None, print)
    assert [each[0].text for each in found] == ["en-az: ['a']", "en-az: ['b']", "en-az: ['c']"]
    (tagged,) = translate(run, "az", None, [["a"]], None, print, ["evaluation.tag=bible"])
    assert tagged[0].text == "en-az: [77, 'a']"


def test_mistakes_are_refused_before_the_first_line(run, tmp_path):
    with pytest.raises(ConfigError, match="the run does not translate to 'fr'; it translates to az, be; choose"):
        translate(run, "fr", None, never(), None, print)
    with pytest.raises(DataError, match="no tag 'web'"):
        translate(run, "az", None, never(), None, print, ["evaluation.tag=web"])
    with pytest.raises(ConfigError, match="--n-best must be from 1 to the beam, which is 4, found 5"):
        translate(run, "az", None, never(), None, print, wanted=Wanted(5))
    with pytest.raises(ConfigError, match=r"takes settings of evaluation, .*; found 'training.seed=2'"):
        translate(run, "az", None, never(), None, print, ["training.seed=2"])
    with pytest.raises(CheckpointError, match="is not a run's folder"):
        translate(tmp_path / "none", "az", None, never(), None, print)
    translate(run, "az", None, never(), None, print)  # nothing is read before it is asked for


def test_a_direction_that_was_not_trained_is_translated_with_a_note_where_two_meet(run):
    (run / "environment.json").write_text(json.dumps({"train_pairs": {"az-en": 5, "en-be": 3}}))
    said: list[str] = []
    (found,) = translate(run, "be", "az", [["a"]], None, said.append)
    assert found[0].text == "az-be: ['a']"
    assert said[0] == (
        f"note: {run} was not trained on az-be: what follows is translated without an example (zero-shot)"
    )
    assert not any("zero-shot" in line for line in _said_of_trained(run))


def _said_of_trained(run: Path) -> list[str]:
    said: list[str] = []
    list(translate(run, "be", "en", [["a"]], None, said.append))
    return said


def test_a_member_has_the_vocabulary_and_the_direction(run):
    assert find_member(run, run, SAME, AZ, print) == run / "best"
    with pytest.raises(ConfigError, match=r"an ensemble needs one vocabulary, and .*run has another than other; give"):
        find_member(run, Path("other"), OTHER, AZ, print)
    with pytest.raises(ConfigError, match="run does not translate en-fr; it has en-az, en-be"):
        find_member(run, run, SAME, Direction("en", "fr"), print)


def test_outputs_that_are_no_translations_are_noted_at_the_end():
    said: list[str] = []
    chunks = [[f"line {number}" for number in range(20)]]
    found = _translate(chunks, lambda lines: [[Translation("the same")] for _ in lines], said.append)
    assert next(found)[0].text == "the same"
    assert said == []
    assert len(list(found)) == 19
    assert len(said) == 1
    assert said[0].startswith("note: ")
    assert "of 20 lines are the same sentence, 'the same', for other sources" in said[0]


def test_good_outputs_are_not_noted():
    found = _translate([["a", "b"]], lambda lines: [[Translation(f"{line} in az")] for line in lines], pytest.fail)
    assert [each[0].text for each in found] == ["a in az", "b in az"]
