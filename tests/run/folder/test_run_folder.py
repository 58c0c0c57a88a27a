import json
import subprocess
from pathlib import Path

import pytest
import yaml

import catscale
from catscale.errors import CheckpointError, ConfigError
from catscale.run.config import dump_config, parse_config
from catscale.run.folder import run_folder as module
from catscale.run.folder.readback import read_environment, read_scores
from catscale.run.folder.run_folder import load_run, open_folder, record_environment, source_commit
from catscale.vocabulary.training import SentencePieceSettings
from tests.unchecked import unchecked


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(CheckpointError, match=r"is not a run's folder: config\.yaml is missing"):
        load_run(tmp_path)


def test_the_commit_is_the_source_trees(monkeypatch):
    expected = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=module.__file__.rpartition("/")[0],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    assert (source_commit() or "").removesuffix("+changes") == expected

    def missing(*arguments, **options):
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", missing)
    assert source_commit() is None


def test_a_change_anywhere_in_the_package_is_told(tmp_path, monkeypatch):
    def git(*arguments: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        return subprocess.run(
            ["git", *who, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout.strip()

    package = tmp_path / "src" / "catscale"
    for path in (package / "__init__.py", package / "balancing" / "cats.py", tmp_path / "README.md"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1\n")
    git("init", "-q")
    monkeypatch.setattr(catscale, "__file__", str(package / "__init__.py"))
    assert source_commit() is None
    git("add", ".")
    git("commit", "-qm", "all")
    commit = git("rev-parse", "HEAD")
    assert source_commit() == commit
    (tmp_path / "README.md").write_text("2\n")
    assert source_commit() == commit
    (package / "balancing" / "cats.py").write_text("2\n")
    assert source_commit() == f"{commit}+changes"


@pytest.mark.parametrize("content", ["{", "5", "[1]"])
def test_files_that_are_damaged(tmp_path, content):
    for read, name in ((read_scores, "scores.json"), (read_environment, "environment.json")):
        (tmp_path / name).write_text(content)
        with pytest.raises(CheckpointError, match=f"{name} cannot be read"):
            read(tmp_path)


ABOUT = {"seed": 1, "data_fingerprint": "abc"}


def visit(**changes: object) -> dict:
    return {"catscale": "0.1.0", "commit": "aaa", "device": "cpu", "processes": 1} | changes


def test_the_environment_records_who_began_a_run_and_who_went_on_with_it(tmp_path):
    record_environment(tmp_path, ABOUT, visit(), 0)
    assert read_environment(tmp_path) == visit() | ABOUT
    record_environment(tmp_path, ABOUT, visit(), 10)  # the same again is no news
    assert read_environment(tmp_path) == visit() | ABOUT
    record_environment(tmp_path, ABOUT, visit(commit="bbb"), 20)
    record_environment(tmp_path, ABOUT, visit(commit="bbb"), 25)
    record_environment(tmp_path, ABOUT, visit(commit="bbb", processes=2), 30)
    record_environment(tmp_path, ABOUT, visit(), 40)
    going_on = [
        {"step": 20, "commit": "bbb"},
        {"step": 30, "processes": 2},
        {"step": 40, "commit": "aaa", "processes": 1},
    ]
    assert read_environment(tmp_path) == visit() | ABOUT | {"continued_by": going_on}


def test_a_visit_whose_steps_are_lost_is_taken_off_the_record(tmp_path):
    record_environment(tmp_path, ABOUT, visit(), 0)
    record_environment(tmp_path, ABOUT, visit(commit="bbb"), 20)  # killed before a checkpoint
    record_environment(tmp_path, ABOUT, visit(commit="ccc"), 20)
    assert read_environment(tmp_path)["continued_by"] == [{"step": 20, "commit": "ccc"}]
    record_environment(tmp_path, ABOUT, visit(commit="ddd"), 0)  # all of it again, from the start
    assert read_environment(tmp_path) == visit(commit="ddd") | ABOUT


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"continued_by": [5]}, "continued_by.0: must hold keys, found 5"),
        ({"continued_by": [{}]}, "continued_by.0.step: field required"),
        ({"continued_by": {"step": 1}}, "continued_by: input should be a valid list"),
        ({"train_pairs": {"en-a/../../x": 1}}, "train_pairs.en-a/../../x.*a language's code has letters"),
        ({"train_pairs": {"en-az": -1}}, "train_pairs.en-az: input should be greater than or equal to 0, found -1"),
        ({"train_pairs": ["en-az"]}, "train_pairs: must hold keys"),
        ({"data_fingerprint": "../../etc"}, "data_fingerprint: string should match pattern"),
        ({"seed": True}, "seed: input should be a valid integer, found True"),
        ({"packages": {"torch": 2}}, "packages.torch: input should be a valid string, found 2"),
        ({"device": ["cpu"]}, "device: input should be a valid string"),
    ],
)
def test_an_environment_that_is_not_ours(tmp_path, changes, message):
    (tmp_path / "environment.json").write_text(json.dumps(visit() | ABOUT | changes))
    with pytest.raises(CheckpointError, match=rf"environment\.json cannot be read \({message}.*; restore it, or make"):
        record_environment(tmp_path, ABOUT, visit(commit="ccc"), 10)


BLEU = {"score": 10, "signature": "s"}
SCORED = {"nll": 2.5, "bleu": BLEU, "chrf": {"score": 30.5, "signature": "s"}, "sentences": 5}
MADE = {
    "split": "test", "settings": {"chrf_word_order": 0}, "train_pairs": {"en-az": 3, "en-fr": 0},
    "resource_groups": {"en-az": "mid"}, "bleu_tokenizers": {"en-az": "13a"}, "step": 5,
}  # fmt: skip
SCORES = {"en-az": SCORED, "averages": {"all": {"nll": 2.5, "bleu": 10, "chrf": 30.5}, "low": None}, "evaluation": MADE}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"en-az": SCORED | {"nll": "x"}}, "en-az: nll: input should be a valid number, found 'x'"),
        ({"en-az": SCORED | {"nll": -0.5}}, "en-az: nll: input should be greater than or equal to 0"),
        ({"en-az": SCORED | {"sentences": -1}}, "en-az: sentences: input should be greater"),
        ({"en-az": SCORED | {"sentences": True}}, "en-az: sentences: input should be a valid integer"),
        ({"en-az": SCORED | {"bleu": BLEU | {"score": 101}}}, "en-az: bleu.score: input should be less than"),
        ({"en-az": SCORED | {"bleu": 10}}, "en-az: bleu: must hold keys, found 10"),
        ({"en-az": SCORED | {"chrf": {"score": 3}}}, "en-az: chrf.signature: field required"),
        ({"en-az": {}}, "en-az: nll: field required; sentences: field required"),
        ({"en-a/../../x": SCORED}, "a language's code has letters"),
        ({"../x": SCORED}, "a direction is two language codes"),
        ({"x": SCORED}, "a direction is two language codes"),
        ({"averages": []}, "averages: must hold keys"),
        ({"averages": {"all": 3}}, "averages.all: must hold keys"),
        ({"evaluation": [1]}, "evaluation: must hold keys"),
        ({"evaluation": MADE | {"resource_groups": {"en-az": "huge"}}}, "evaluation.resource_groups.en-az: input"),
        ({"evaluation": MADE | {"resource_groups": {"en-xx": "low"}}}, "evaluation: resource_groups has en-xx, which"),
        ({"evaluation": MADE | {"bleu_tokenizers": {}}}, "evaluation: resource_groups has en-az, which bleu_tok"),
        ({"evaluation": MADE | {"settings": {"chrf_word_order": 99}}}, "evaluation.settings.chrf_word_order: input"),
        ({"evaluation": MADE | {"step": 1.5}}, "evaluation.step: input should be a valid integer, found 1.5"),
        ({"evaluation": MADE | {"split": "../test"}}, "evaluation.split: input should be 'train', 'dev' or 'test'"),
    ],
)  # fmt: skip
def test_scores_that_are_not_ours(tmp_path, changes, message):
    (tmp_path / "scores.json").write_text(json.dumps(SCORES | {"newer": {"a": [1]}, "en-az": SCORED | {"later": 3}}))
    assert read_scores(tmp_path)["en-az"]["later"] == 3
    (tmp_path / "scores.json").write_text(json.dumps(SCORES | changes))
    with pytest.raises(CheckpointError, match=rf"scores\.json cannot be read \({message}"):
        read_scores(tmp_path)


def test_a_folder_that_a_kill_left_almost_empty_is_a_run_s(tmp_path):
    config = parse_config({"data": {"format": "moses", "path": "x", "source": "en", "targets": "all"}}, "test")
    (tmp_path / ".train.lock").touch()
    (tmp_path / ".config.yaml.tmp-0123abcd").touch()
    open_folder(tmp_path, config)
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(ConfigError, match="exists and is not a run's folder"):
        open_folder(tmp_path, config)


def first_version(folder, **vocabulary):
    """A run of version 0.1, whose vocabulary has no normalisation in its settings."""
    content = {"data": {"format": "moses", "path": "x", "source": "en", "targets": "all"}, "training": {"seed": 4}}
    written = yaml.safe_load(dump_config(parse_config(content, "test")))
    written["vocabulary"] = {"size": 8000, "temperature": 5.0, "sample_lines": 1_000_000, "character_coverage": 1.0,
                             "path": None, **vocabulary}  # fmt: skip
    (folder / "config.yaml").write_text(yaml.safe_dump(written))
    (folder / "environment.json").write_text(json.dumps(visit() | ABOUT))
    return content


def test_a_run_of_the_first_version_keeps_its_normalisation(tmp_path):
    content = first_version(tmp_path)
    assert unchecked(load_run(tmp_path).vocabulary).normalisation == "nmt_nfkc"
    with pytest.raises(ConfigError, match=r"vocabulary\.normalisation: 'nmt_nfkc' there, 'identity' now"):
        open_folder(tmp_path, parse_config(content, "test"))
    vocabulary = {"normalisation": "nmt_nfkc", "max_unknown": 1.0}
    open_folder(tmp_path, parse_config({**content, "vocabulary": vocabulary}, "test"))
    config = parse_config(content, "test")
    (tmp_path / "config.yaml").write_text(dump_config(config))
    assert unchecked(load_run(tmp_path).vocabulary).normalisation == "identity"
    assert SentencePieceSettings().relevant()["normalisation"] == "identity"
    first = {"size": 8000, "temperature": 5.0, "sample_lines": 1_000_000, "character_coverage": 1.0}
    assert SentencePieceSettings(normalisation="nmt_nfkc").relevant() == first  # the fingerprint of 0.1
    assert SentencePieceSettings(path=Path("m"), max_unknown=0.3).relevant() == first


@pytest.mark.parametrize(
    ("key", "other", "message"),
    [
        ("replay", 0.3, r"sampling\.replay: 0\.5 there, 0\.3 now"),
        ("reward", "uncertainty", r"sampling\.reward: .*cosine.* there"),
    ],
)
def test_a_run_of_before_a_sampler_s_setting_goes_on(tmp_path, key, other, message):
    data = {"format": "moses", "path": "corpus", "source": "en", "targets": "all"}
    config = parse_config({"data": data, "sampling": {"method": "multidds"}}, "x")
    content = yaml.safe_load(dump_config(config))
    del content["sampling"][key]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(content))
    (tmp_path / "environment.json").write_text(json.dumps({"data_fingerprint": "0" * 64}))
    open_folder(tmp_path, config)
    changed = parse_config({"data": data, "sampling": {"method": "multidds", key: other}}, "x")
    with pytest.raises(ConfigError, match=message):
        open_folder(tmp_path, changed)


@pytest.mark.parametrize(
    ("model", "is_kept"),
    [
        ({"architecture": "routed"}, True),
        ({"architecture": "routed", "noise": 0.0}, False),
        ({"architecture": "latent_depth"}, True),
        ({"architecture": "pretrained", "pretrained": "nllb", "routing": {"rank": 2}}, True),
        ({"architecture": "pretrained", "pretrained": "nllb"}, False),
        ({"architecture": "m2m100"}, False),
    ],
)
def test_a_length_that_training_follows_is_kept(tmp_path, model, is_kept):
    data = {"format": "moses", "path": "corpus", "source": "en", "targets": "all"}
    began, longer = (
        parse_config({"data": data, "model": model, "training": {"max_steps": steps}}, "x") for steps in (1000, 1001)
    )
    (tmp_path / "config.yaml").write_text(dump_config(began))
    (tmp_path / "environment.json").write_text(json.dumps({"data_fingerprint": "0" * 64}))
    open_folder(tmp_path, began)
    if is_kept:
        with pytest.raises(ConfigError, match=r"began with max_steps = 1000, found 1001; set it back, or choose"):
            open_folder(tmp_path, longer)
    else:
        open_folder(tmp_path, longer)


@pytest.mark.parametrize(
    "model",
    [
        {"architecture": "routed"},
        {"architecture": "latent_depth"},
        {"architecture": "pretrained", "pretrained": "nllb", "routing": {"rank": 2}},
    ],
)
def test_nothing_else_ends_a_training_that_follows_its_length(tmp_path, model):
    """A configuration that may end it early is refused, a run of an earlier version that did can be read."""
    data = {"format": "moses", "path": "corpus", "source": "en", "targets": "all"}
    content = {"data": data, "model": model, "training": {"max_steps": 1000, "max_minutes": 7.5, "patience": 3}}
    message = r"for training.max_steps = 1,000 .* found training.max_minutes = 7.5 and training.patience = 3, which"
    with pytest.raises(ConfigError, match=message):
        parse_config(content, "x")
    for key, value in (("max_minutes", 7.5), ("patience", 3)):
        one = {**content, "training": {"max_steps": 1000, key: value}}
        with pytest.raises(ConfigError, match=rf"found training.{key} = {value}, .* set training.{key} to null"):
            parse_config(one, "x")
    recorded = parse_config(content, "x", is_of_run=True)
    with pytest.raises(ConfigError, match=message):
        open_folder(tmp_path / "run", recorded)
    assert not (tmp_path / "run").exists()
    (tmp_path / "config.yaml").write_text(dump_config(recorded))
    (tmp_path / "environment.json").write_text(json.dumps({"data_fingerprint": "0" * 64}))
    assert load_run(tmp_path).training.patience == 3
    open_folder(tmp_path, load_run(tmp_path, ["training.patience=null", "training.max_minutes=null"]))  # it goes on


@pytest.mark.parametrize(
    ("model", "setting"),
    [
        ({}, {"max_minutes": 7.5, "patience": 3}),
        ({"architecture": "routed", "noise": 0.0}, {"max_minutes": 7.5, "patience": 3}),
        ({"architecture": "subnetworks"}, {"patience": 3}),
        ({"architecture": "routed"}, {"on_given_up": "stop", "on_nonfinite": "skip", "max_skipped": 0}),
    ],
)
def test_an_early_end_is_no_matter_to_others_and_a_failure_is_none(tmp_path, model, setting):
    data = {"format": "moses", "path": "corpus", "source": "en", "targets": "all"}
    config = parse_config({"data": data, "model": model, "training": {"max_steps": 1000, **setting}}, "x")
    open_folder(tmp_path / "run", config)
    assert (tmp_path / "run").is_dir()
