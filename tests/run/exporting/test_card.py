"""The card: what is known is said, what is not known is not made up, and nothing leaves its place."""

import json

import pytest
import yaml

from catscale.run.config import load_config
from catscale.run.exporting.card import write_card
from catscale.run.exporting.card_facts import read_facts
from catscale.run.exporting.form import ExportFormat
from catscale.run.folder.readback import name_scores_file
from tests.comparison.fakes import write_run

TAGS = {"en": "__en__", "az": "__az__"}
SIZES = {"en-az": 500, "en-fr": 130_000}


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "my run", sizes=SIZES, sentences=8)


def card_of(run, said=None, form="hf"):
    config = load_config(run / "config.yaml")
    facts = read_facts(run, config, run / "best", [].append if said is None else said.append)
    return write_card(facts, ExportFormat(form), TAGS, "print()\n", "all is well")


def record(run, **more):
    path = run / "environment.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | more))


def front_of(card):
    return yaml.safe_load(card.split("---\n")[1])


def test_a_run_from_nothing_has_no_licence_and_no_base(run):
    card = card_of(run)
    assert front_of(card) == {
        "license": "unknown",
        "language": ["en", "az", "fr"],
        "pipeline_tag": "translation",
        "library_name": "transformers",
        "tags": ["translation", "catscale"],
    }
    assert "No licence is chosen yet" in card
    assert "# my run\n" in card
    assert "| en-fr | 130,000 |" in card
    assert "the model of step 100 of at most 100" in card
    assert "- data: corpus\n" in card


def test_a_base_without_licence_is_named_and_the_question_left_open(run):
    record(run, base={"path": "/home/me/models/nllb|200/"})
    card = card_of(run, form="ctranslate2")
    front = front_of(card)
    assert (front["license"], front["library_name"]) == ("unknown", "ctranslate2")
    assert "base_model" not in front, "hubs refuse what is no name of theirs"
    assert "\n# base_model: OWNER/NAME, as the hub has it\n---\n" in card
    assert "started from `nllb|200`, whose folder names no licence; look it up" in card
    assert "/home/me" not in card


def test_a_base_from_the_hub_s_cache_has_the_hub_s_name(run):
    record(run, base={"path": "/home/me/hub/models--facebook--nllb-200-distilled-600M/snapshots/f8d3/"})
    card = card_of(run)
    assert front_of(card)["base_model"] == "facebook/nllb-200-distilled-600M"
    assert "# base_model" not in card
    assert "started from `facebook/nllb-200-distilled-600M`" in card


def test_scores_of_another_step_are_left_out_and_dev_stands_in(run):
    said: list[str] = []
    scores = json.loads(name_scores_file(run).read_text())
    scores["evaluation"]["step"] = 50
    name_scores_file(run).write_text(json.dumps(scores))
    assert "NLL" not in card_of(run, said)
    (line,) = said
    assert "is of step 50 and the model of step 100; the card has none of them: run `catscale evaluate" in line
    scores["evaluation"] |= {"step": 100, "split": "dev"}
    name_scores_file(run, "dev").write_text(json.dumps(scores))
    assert "Scores are on the dev set" in card_of(run)


def test_a_run_that_was_not_evaluated_or_whose_scores_are_damaged_says_so(run):
    said: list[str] = []
    name_scores_file(run).write_text("{")
    card_of(run, said)
    name_scores_file(run).unlink()
    assert "Signatures" not in card_of(run, said)
    assert said[0].startswith("warning: the card is without scores: ")
    assert said[1].startswith("note: the card is without scores; run `catscale evaluate ")


def test_signatures_that_differ_name_their_directions_and_zero_shot_is_told(run):
    scores = json.loads(name_scores_file(run).read_text())
    scores["en-fr"]["bleu"]["signature"] = "tok:zh"
    scores["fr-az"] = scores["en-az"]
    name_scores_file(run).write_text(json.dumps(scores))
    card = card_of(run)
    assert "- BLEU: `tok:zh` (en-fr)\n" in card
    assert "| fr-az | none (zero-shot) |" in card


def test_a_name_stays_in_its_place(tmp_path):
    run = write_run(tmp_path / "a`b\n# c", sizes=SIZES, sentences=8)
    assert "\n# a´b # c\n" in card_of(run)
