"""What a card knows of a run."""

import json

from catscale.data.direction import Direction
from catscale.run.config import load_config
from catscale.run.exporting.card_facts import read_facts
from tests.comparison.fakes import write_run

SIZES = {"en-az": 500, "en-fr": 130_000}


def facts_of(run):
    return read_facts(run, load_config(run / "config.yaml"), run / "best", lambda line: None)


def test_directions_method_and_step_are_read(tmp_path):
    facts = facts_of(write_run(tmp_path / "run", sizes=SIZES, sentences=8, balancing={"method": "cats"}))
    assert facts.directions == [Direction("en", "az"), Direction("en", "fr")]
    assert facts.method == "T=5 + CATS"
    assert (facts.name, facts.step, dict(facts.base)) == ("run", 100, {})
    assert facts.data_names == ["corpus"]
    assert facts.licence_files == []


def test_corpora_are_named_once_by_the_last_part_of_their_place(tmp_path):
    parts = [{"format": "moses", "path": path} for path in ("/home/me/secret/news", "bible", "other/news")]
    data = {"corpora": parts, "source": "en", "targets": "all", "format": None, "path": None}
    run = write_run(tmp_path / "run", sizes=SIZES, sentences=8, data=data)
    assert facts_of(run).data_names == ["news", "bible"]


def test_the_base_and_its_licence_are_those_on_record(tmp_path):
    run = write_run(tmp_path / "run", sizes=SIZES, sentences=8)
    path = run / "environment.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"base": {"path": "/x/nllb", "licence": "mit"}}))
    (run / "licence").mkdir()
    for name in ("NOTICE", "LICENSE"):
        (run / "licence" / name).write_text(name)
    facts = facts_of(run)
    assert (facts.base["path"], facts.base["licence"]) == ("/x/nllb", "mit")
    assert [file.name for file in facts.licence_files] == ["LICENSE", "NOTICE"]
