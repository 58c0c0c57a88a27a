"""Settings of a run that decoding needs."""

import subprocess
import sys

import pytest

from catscale.errors import CheckpointError, ConfigError
from catscale.evaluation.config import EvaluationConfig
from catscale.run import decoding as module
from catscale.run.decoding import check_overrides, choose_decoding_device, load_decoding


@pytest.fixture
def run(tmp_path):
    (tmp_path / "config.yaml").write_text(
        "evaluation: {beam: 3}\ntraining: {device: cpu, threads: 2, later: 1}\nbalancing: {method: of the future}\n"
    )
    return tmp_path


def test_the_search_and_the_place_are_read_and_nothing_else(run):
    config = load_decoding(run)
    assert (config.evaluation.beam, config.training.device, config.training.threads) == (3, "cpu", 2)
    (run / "config.yaml").write_text("model: {}\n")
    config = load_decoding(run)
    assert config.evaluation == EvaluationConfig()
    assert (config.training.device, config.training.threads) == ("auto", None)


def test_overrides_decide(run):
    assert load_decoding(run, ["evaluation.beam=7", "evaluation.max_length=9"]).evaluation.max_length == 9
    assert load_decoding(run, ["evaluation.beam=7"]).evaluation.beam == 7
    check_overrides(["evaluation.beam=7"], "translate")


@pytest.mark.parametrize("text", ["training.device=cpu", "evaluation", "beam=3", "xevaluation.beam=3"])
def test_settings_of_other_sections_are_refused(run, text):
    with pytest.raises(ConfigError, match=rf"`catscale translate` takes settings of evaluation, .*; found '{text}'"):
        load_decoding(run, ["evaluation.beam=7", text])
    with pytest.raises(ConfigError, match="`catscale evaluate` takes settings"):
        check_overrides([text], "evaluate")


def test_what_is_wrong_names_the_file_and_the_override(run, tmp_path):
    message = r"config\.yaml --set evaluation\.beam=0 has 1 problem:\n  evaluation\.beam: .* greater than or equal to 1"
    with pytest.raises(ConfigError, match=message):
        load_decoding(run, ["evaluation.beam=0"])
    with pytest.raises(CheckpointError, match=r"none is not a run's folder: config\.yaml is missing; give the folder"):
        load_decoding(tmp_path / "none")


def test_pytorch_is_asked_only_where_it_is_needed(monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr("catscale.run.device.choose_device", lambda name: asked.append(name) or "cuda")
    monkeypatch.setattr(module, "_has_gpu", lambda: False)
    usual, transformers = EvaluationConfig(), EvaluationConfig(backend="huggingface")
    assert choose_decoding_device("cpu", transformers) == "cpu"
    assert choose_decoding_device("auto", usual) == "cpu"
    assert asked == []
    assert choose_decoding_device("auto", usual, needs_torch=True) == "cuda"
    assert choose_decoding_device("auto", transformers) == "cuda"
    assert choose_decoding_device("cuda:1", usual) == "cuda"
    monkeypatch.setattr(module, "_has_gpu", lambda: True)
    assert choose_decoding_device("auto", usual) == "cuda"
    assert asked == ["auto", "auto", "cuda:1", "auto"]


def test_the_module_leaves_pytorch_alone():
    program = "import sys, catscale.run.decoding; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
