"""Example translations: by the rule, of all methods, in any script, and none where texts are gone."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from catscale.comparison.compare import Question, compare_runs
from catscale.comparison.result import ComparedMethod
from catscale.report.examples import choose_directions, choose_places, draw_examples, write_examples
from catscale.run.folder.evaluated import read_run
from tests.comparison.fakes import write_run
from tests.report.fakes import make_directions


@pytest.fixture
def comparison(tmp_path):
    runs = [
        write_run(tmp_path / f"t{t}-{seed}", 0.5, seed, sampling={"temperature": t}) for t in (1, 5) for seed in (1, 2)
    ]
    return compare_runs([read_run(run, "test") for run in runs], Question(resamples=20, baseline="T=1"))


def test_the_smallest_the_middle_and_the_largest():
    assert [d.name for d in choose_directions(make_directions())] == ["en-be", "en-sk", "en-ru"]
    assert len(choose_directions(make_directions()[:2])) == 2
    assert choose_directions([]) == []


def test_the_draw_follows_the_rule_and_its_seed():
    sources = ["x" * length for length in (5, 30, 300, 160, 20, 161, 19, 80)]
    drawn = {tuple(choose_places(sources, [seed, "en-az"])) for seed in range(50)}
    assert {place for places in drawn for place in places} == {1, 3, 4, 7}
    assert choose_places(sources, [1, "en-az"]) == choose_places(sources, [1, "en-az"])
    assert choose_places(["a"], [1]) == [0]


def test_each_method_s_text_stands_under_its_source(comparison):
    examples = draw_examples(comparison)
    assert [example.direction.name for example in examples] == ["en-az"] * 2 + ["en-be"] * 2 + ["en-fr"] * 2
    for example in examples:
        for method, text in zip(comparison.methods, example.translations, strict=True):
            folder = Path(method.folders[0]) / "translations"
            sources = (folder / f"test.{example.direction.name}.src").read_text().splitlines()
            said = (folder / f"test.{example.direction.name}.hyp").read_text().splitlines()
            assert said[sources.index(example.source)] == text
    html = write_examples(examples, comparison)
    assert html.count("<table") == 6
    assert "seed 1) among those whose source has 20 to 160 characters" in html
    assert 'data-method="1" lang="fr" dir="auto"' in html


def test_texts_that_hold_anything(comparison):
    examples = [replace(e, translations=["<b>\x1b[31m\u202e", ""]) for e in draw_examples(comparison)[:1]]
    html = write_examples(examples, comparison)
    assert "&lt;b&gt;\\x1b[31m\\u202e" in html
    assert "(nothing)" in html


def test_without_the_texts_there_are_none(comparison):
    shutil.rmtree(Path(comparison.methods[0].folders[0]) / "translations")
    assert draw_examples(comparison) == []
    assert write_examples([], comparison) == ""


def test_an_outside_system_stands_beside_the_runs(comparison, tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    for direction in comparison.directions:
        source = (tmp_path / "t1-1" / "translations" / f"test.{direction.name}.src").read_text().splitlines()
        (folder / f"{direction.name}.txt").write_text("".join(f"said {line}\n" for line in source))
    other = ComparedMethod("other", [1], [str(folder)], outside=True)
    examples = draw_examples(replace(comparison, methods=[other, *comparison.methods]))
    assert len(examples) == 6
    assert all(example.translations[0] == f"said {example.source}" for example in examples)
