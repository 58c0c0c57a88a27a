"""`train` from a folder of NLLB's form to a model that needs it no more."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from catscale.cli.main import main
from catscale.run.config import dump_config, load_config
from tests.cli.test_processes import AVERAGE, assert_close
from tests.cli.test_resume import SLOW
from tests.cli.toy import pairs, write_pretrained_config
from tests.model.nllb_folder import write_network, write_nllb_folder
from tests.run_records import assert_same_run, metrics
from tests.torchrun import torchrun

MODEL: dict[str, Any] = {
    "languages": {"xa": "azj_Latn"}, "new_languages": {"xb": {"tag": "xbb_Latn", "like": "xa"}}, "pieces": 3,
    "freeze": ["layer_norm"],
}  # fmt: skip


def configure(
    path: Path, corpus: Path, store: Path, base: Path, training: dict[str, Any] | None = None, **model: Any
) -> Path:
    """Write a configuration that starts from a folder."""
    return write_pretrained_config(path, corpus, store, base, {**MODEL, **model}, training=training or {})


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pretrained") / "base"
    write_nllb_folder(
        folder, lines=[line for pair in pairs("xa", "train", 300) for line in pair], pieces=100, dropout=0.1
    )
    (folder / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n")
    (folder / "LICENSE").write_text("the text")
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, corpus: Path, store: Path, base: Path) -> tuple[Path, Path]:
    """A configuration and its uninterrupted run."""
    root = tmp_path_factory.mktemp("whole")
    config = configure(root / "toy.yaml", corpus, store, base)
    assert main(["train", str(config), "--out", str(root / "run")]) == 0
    return config, root / "run"


@pytest.fixture(scope="module")
def exported(whole: tuple[Path, Path]) -> Path:
    folder = whole[1].with_name("exported")
    assert main(["export", str(whole[1]), "--format", "ctranslate2", "--out", str(folder), "--check", "5"]) == 0
    return folder


def test_a_run_keeps_what_it_started_from(whole, base: Path) -> None:
    _, run = whole
    found = json.loads((run / "environment.json").read_text())["base"]
    assert (found["path"], found["licence"], found["licence_files"]) == (str(base), "cc-by-nc-4.0", ["LICENSE"])
    assert (run / "licence" / "LICENSE").read_text() == "the text"
    trained = load_file(run / "best" / "model.safetensors")
    frozen = [name for name in trained if "layer_norm" in name]
    first = load_file(base / "model.safetensors")
    assert all(trained[name].equal(first[name]) for name in frozen)
    assert metrics(run)[-1]["mean"] < metrics(run)[2]["mean"]


@pytest.mark.parametrize("tag", ["azj_Latn", "xbb_Latn"], ids=["old", "new"])
def test_plain_transformers_and_ctranslate2_give_the_same_five_best(whole, exported: Path, tag: str) -> None:
    ctranslate2 = pytest.importorskip("ctranslate2", reason="CTranslate2 is not installed")
    best = whole[1] / "best"
    tokenizer = AutoTokenizer.from_pretrained(best, local_files_only=True, src_lang="eng_Latn")
    model = AutoModelForSeq2SeqLM.from_pretrained(best, local_files_only=True).eval()
    translator = ctranslate2.Translator(str(exported))
    for sentence in ("the big cat sees", "a dog", "x"):
        inputs = tokenizer(sentence, return_tensors="pt")
        search: dict[str, Any] = {"num_return_sequences": 5, "early_stopping": True, "max_new_tokens": 14}
        first = tokenizer.convert_tokens_to_ids(tag)
        found = model.generate(**inputs, forced_bos_token_id=first, **search).tolist()
        theirs = [[tokenizer.convert_ids_to_tokens(i) for i in ids[2:] if i not in (1, 2)] for ids in found]
        source = [tokenizer.convert_ids_to_tokens(inputs.input_ids[0].tolist())]
        result = translator.translate_batch(
            source, target_prefix=[[tag]], beam_size=5, num_hypotheses=5, min_decoding_length=2, max_decoding_length=14
        )[0]
        assert [tokens[1:] for tokens in result.hypotheses] == theirs


def test_its_configuration_loads_as_it_is(whole) -> None:
    _, run = whole
    config = load_config(run / "config.yaml")
    assert dump_config(config) == (run / "config.yaml").read_text()


def test_what_is_missing_is_told_before_each_training(whole, cli, tmp_path: Path) -> None:
    config, _ = whole
    done = cli("train", config, "--out", tmp_path / "run", "--set", "training.max_steps=8")
    assert done.status == 0
    assert "vocabulary: no character is missing for en, xa, xb" in done.err
    assert "vocabulary: added: 3 pieces, xbb_Latn (like azj_Latn)" in done.err
    assert "token store: " in done.err


def test_interrupted_again_and_again_it_is_the_same_run(whole, cli, stop_at, tmp_path: Path) -> None:
    config, expected = whole
    for step in (8, 17):
        stop_at(step)
        assert cli("train", config, "--out", tmp_path / "run").status == 130
    stop_at(None)
    assert cli("train", config, "--out", tmp_path / "run").status == 0
    assert_same_run(tmp_path / "run", expected)


def test_a_base_that_has_changed_is_refused_and_one_that_is_gone_is_not_missed(
    whole, cli, corpus: Path, base: Path, tmp_path: Path
) -> None:
    own = shutil.copytree(base, tmp_path / "base")
    config = configure(tmp_path / "toy.yaml", corpus, tmp_path / "store", own)
    run = tmp_path / "run"
    assert cli("train", config, "--out", run, "--set", "training.max_steps=8").status == 0
    moved = own.rename(tmp_path / "moved")
    place = ("--set", f"model.pretrained={moved}", "--set", "training.max_steps=9")
    assert cli("train", config, "--out", run, *place).status == 0, "its place does not matter"
    moved.rename(own)
    write_network(own, json.loads((own / "config.json").read_text())["vocab_size"], seed=9)
    done = cli("train", config, "--out", run)
    assert done.status == 2
    assert f"the pre-trained model {own} has changed since the run in {run} began" in done.message
    scored = cli("evaluate", run, "--model", "base")
    assert "now; restore it: the model that the run began with is made from that folder again" in scored.message
    shutil.rmtree(own)
    assert cli("evaluate", run).status == 0
    assert cli("translate", run, "--to", "xb", "--input", corpus / "en-xb" / "test.en").status == 0
    done = cli("train", config, "--out", run)
    assert done.status == 2
    assert f"model.pretrained {own} is no folder; catscale downloads no model" in done.message


def test_the_best_of_a_run_is_a_folder_to_start_from(whole, cli, corpus: Path, tmp_path: Path) -> None:
    _, run = whole
    languages = {"en": "eng_Latn", "xa": "azj_Latn", "xb": "xbb_Latn"}
    config = configure(
        tmp_path / "toy.yaml", corpus, tmp_path / "store", run / "best",
        languages=languages, new_languages={}, pieces=0, freeze=[],
    )  # fmt: skip
    done = cli("train", config, "--out", tmp_path / "next", "--set", "training.max_steps=1")
    assert done.status == 0
    one, two = (json.loads((folder / "best" / "tokenizer.json").read_text()) for folder in (run, tmp_path / "next"))
    assert one == two


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"languages": {}, "new_languages": {"xb": {"tag": "x_X"}}}, "no tag of the folder fits the code xa; "),
        ({"languages": {"xa": "azj_Lat"}}, "the folder has no tag 'azj_Lat'; "),
        ({"languages": {"xa": "eng_Latn"}}, "en and xa have one tag, eng_Latn; "),
        ({"new_languages": {"xb": {"tag": "rus_Cyrl"}}}, "the folder has the tag rus_Cyrl already; "),
        (
            {"new_languages": {"xb": {"tag": "x_X", "like": "y_Y"}}},
            "'y_Y' is neither a tag of the folder nor a language",
        ),
        ({"pieces": 5000}, "pieces must be no more than the lines of the new languages give, found 5,000 "),
        ({"pretrained": "facebook/nllb-200-distilled-600M"}, "catscale downloads no model: do it first, as with `hf "),
        ({"preset": "tiny"}, "model.preset: unknown key; the sizes are those of the pre-trained model"),
    ],
)
def test_mistakes_are_told_in_one_message(model, message, cli, corpus: Path, base: Path, tmp_path: Path) -> None:
    config = configure(tmp_path / "toy.yaml", corpus, tmp_path / "store", base, **model)
    done = cli("train", config, "--out", tmp_path / "run")
    assert done.status == 2
    assert message in done.message
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("run", "model.pretrained run is the folder of a run; give run/best, the model of that run"),
        ("facebook/nllb", "model.pretrained facebook/nllb is no folder; catscale downloads no model: do it first, as "),
    ],
)
def test_a_wrong_folder_is_told_alike_by_all_commands(
    name: str, message: str, cli, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run" / "best").mkdir(parents=True)
    (tmp_path / "run" / "best" / "config.json").write_text("{}")
    config = configure(tmp_path / "toy.yaml", corpus, tmp_path / "store", Path(name))
    commands = (
        ("train", config, "--out", "out"),
        ("train", config, "--dry-run"),
        ("init", corpus, "--pretrained", name),
    )
    for command in commands:
        done = cli(*command)
        assert done.status == 2
        assert message in done.message, command


@pytest.mark.slow
def test_killed_at_random_it_is_the_same_run(whole, cli, tmp_path: Path) -> None:
    config, expected = whole
    moments = random.Random(0)
    command = [sys.executable, "-c", SLOW, "train", str(config), "--out", str(tmp_path / "run")]
    for _ in range(3):
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
            log, deadline = tmp_path / "run" / "metrics.jsonl", time.monotonic() + 200
            while not log.exists() and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            time.sleep(moments.uniform(0, 4))
            os.kill(process.pid, signal.SIGKILL)
    assert cli("train", config, "--out", tmp_path / "run").status == 0
    assert_same_run(tmp_path / "run", expected)


@pytest.mark.slow
@pytest.mark.parametrize("sharded", [False, True], ids=["replicated", "sharded"])
def test_two_processes_train_the_same_model(
    sharded: bool, corpus: Path, store: Path, base: Path, tmp_path: Path
) -> None:
    config = configure(tmp_path / "toy.yaml", corpus, store, base, training=AVERAGE, dropout=0.0)
    assert main(["train", str(config), "--out", str(tmp_path / "alone")]) == 0
    done = torchrun(2, "train", config, "--out", tmp_path / "two", "--set", f"training.sharded={str(sharded).lower()}")
    assert done.returncode == 0, done.stderr
    assert_close(tmp_path / "two", tmp_path / "alone")
