"""Bytes that changed on the disk are found by their checksum and named, and what is whole is used in their place."""

import json
import os
import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from catscale.cli.main import main
from tests.faults.conftest import SEED
from tests.faults.same import assert_same_run
from tests.unchecked import unchecked

TIMES = int(os.environ.get("CATSCALE_FAULTS_BYTES", "20"))
"""Bytes flipped, and cuts made, in each file."""


def damages(path: Path, rng: random.Random, times: int) -> Iterator[tuple[str, bytes | None]]:
    """Contents that a file may be found with: a bit flipped, the end cut, bytes appended, gone."""
    content = path.read_bytes()
    for _ in range(times):
        place = rng.randrange(len(content))
        changed = bytearray(content)
        changed[place] ^= 1 << rng.randrange(8)
        yield f"bit of byte {place}", bytes(changed)
        yield "cut", content[: rng.randrange(len(content))]
    yield "longer", content + b"\0"
    yield "gone", None


def put(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)


def test_a_bit_a_cut_an_end_and_a_loss_in_every_file_of_a_checkpoint(config, trained, tmp_path, capsys):
    from catscale.training.checkpointing.checkpoint import find_checkpoint_damage

    newest, rng = shutil.copytree(trained / "checkpoints" / "step-6", tmp_path / "step-6"), random.Random(SEED)
    assert find_checkpoint_damage(newest) is None
    for name in sorted(path.name for path in newest.iterdir()):
        original = (newest / name).read_bytes()
        for how, content in damages(newest / name, rng, 20):
            put(newest / name, content)
            problem = find_checkpoint_damage(newest)
            assert problem is not None, (name, how)
            assert problem.startswith(f"checkpoint {newest} is damaged: ")
            assert name in problem or name == "manifest.json", (name, how, problem)
            put(newest / name, original)


@pytest.mark.faults
@pytest.mark.timeout(7200)
def test_a_run_goes_on_before_a_damaged_checkpoint(config, trained, tmp_path, capsys, record):
    tried, rng = 0, random.Random(SEED)
    for file in sorted((trained / "checkpoints" / "step-6").iterdir()):
        for how, content in damages(file, rng, TIMES):
            run = shutil.copytree(trained, tmp_path / "run")
            newest = run / "checkpoints" / "step-6"
            put(newest / file.name, content)
            assert main(["train", str(config), "--out", str(run)]) == 0
            said = capsys.readouterr().err
            assert f"{newest} is damaged: " in said, (file.name, how)
            assert "the checkpoint before it is used" in said
            assert "continuing at step 4" in said
            assert_same_run(run, trained)
            shutil.rmtree(run)
            tried += 1
    outcome = "found and named, the one before used, then the same run"
    record("a bit flipped, an end cut, in every file of a checkpoint", tried, outcome)


def test_a_damaged_best_model_is_not_translated_with_and_is_made_again(config, trained, tmp_path, capsys):
    run, source = shutil.copytree(trained, tmp_path / "run"), tmp_path / "lines.txt"
    source.write_text("red cat\n")
    for name in ("model.safetensors", "sentencepiece.bpe.model", "config.json", "manifest.json"):
        path = run / "best" / name
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 4
        path.write_bytes(content)
        for command in (["translate", run, "--to", "xa", "--input", source], ["evaluate", run]):
            assert main([str(word) for word in command]) == 2
            said = capsys.readouterr().err
            assert f"{run / 'best'} is damaged: " in said
            assert name in said or name == "manifest.json"
            assert f"`catscale train {run / 'config.yaml'} --out {run}` writes it again" in said
        assert main(["train", str(run / "config.yaml"), "--out", str(run)]) == 0
        assert "was damaged (" in capsys.readouterr().err
        assert_same_run(run, trained)


def test_a_best_model_whose_checkpoint_is_gone_cannot_be_made_again(config, trained, tmp_path, capsys):
    run = shutil.copytree(trained, tmp_path / "run")
    (run / "best" / "model.safetensors").write_bytes(b"")
    best = max((trained / "checkpoints").iterdir(), key=lambda path: int(path.name[5:]))
    assert best.name == "step-6"
    shutil.rmtree(run / "checkpoints" / "step-6")
    assert main(["train", str(config), "--out", str(run)]) == 0  # it is step 4's that is best now, and kept
    assert "was damaged (model.safetensors" in capsys.readouterr().err
    shutil.copytree(trained / "checkpoints" / "step-6", run / "checkpoints" / "step-9")
    (run / "best" / "model.safetensors").write_bytes(b"")
    shutil.rmtree(run / "checkpoints" / "step-6")
    assert main(["train", str(config), "--out", str(run)]) == 0
    assert "no checkpoint of step 6 is kept to write it again from" in capsys.readouterr().err


def test_the_best_model_of_a_step_that_is_still_to_come_is_replaced(config, trained, tmp_path, capsys):
    """A kill came between it and its checkpoint, and the run is then not trained that far."""
    run = shutil.copytree(trained, tmp_path / "run")
    shutil.rmtree(run / "checkpoints" / "step-6")
    assert main(["train", str(config), "--out", str(run), "--set", "training.max_steps=4"]) == 0
    models = [run / name / "model.safetensors" for name in ("best", "checkpoints/step-4")]
    assert models[0].read_bytes() == models[1].read_bytes()
    assert main(["train", str(config), "--out", str(run)]) == 0
    assert_same_run(run, trained)


def test_the_best_model_of_a_step_that_is_still_to_come_and_nothing_to_replace_it_with(
    config, trained, tmp_path, capsys
):
    run = shutil.copytree(trained, tmp_path / "run")
    shutil.copytree(run / "checkpoints" / "step-4", run / "checkpoints" / "step-5")  # which names step 4 the best
    shutil.rmtree(run / "checkpoints" / "step-4")
    shutil.rmtree(run / "checkpoints" / "step-6")
    assert main(["train", str(config), "--out", str(run), "--set", "training.max_steps=4"]) == 0
    message = "is of step 6, which is still to come, and the best so far is step 4, of which no checkpoint is kept"
    assert message in capsys.readouterr().err


def test_the_scores_are_of_the_step_that_the_best_model_tells(trained, tmp_path, capsys):
    """Training beside it may have put another validation on record meanwhile."""
    run = shutil.copytree(trained, tmp_path / "run")
    lower = {"kind": "valid", "step": 8, "time": 1.0, "nll": {}, "mean": 0.0}
    with (run / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(lower) + "\n")
    assert main(["evaluate", str(run)]) == 0
    assert json.loads((run / "scores.json").read_text())["evaluation"]["step"] == 6


def test_a_best_model_without_a_manifest_is_used_with_a_warning(trained, tmp_path, capsys):
    run = shutil.copytree(trained, tmp_path / "run")
    (run / "best" / "manifest.json").unlink()
    assert main(["evaluate", str(run)]) == 0
    assert (
        "has no manifest.json, as an earlier version of catscale, or transformers, left it" in capsys.readouterr().err
    )
    assert main(["train", str(run / "config.yaml"), "--out", str(run)]) == 0
    assert "damaged" not in capsys.readouterr().err
    assert (run / "best" / "manifest.json").is_file()


@pytest.mark.parametrize("late", [False, True])
def test_nothing_is_made_of_damaged_data(config, tmp_path, capsys, monkeypatch, late):
    """Training begins while the data are compared with their checksums, and writes no model before that is done."""
    from catscale.data.store import checksums as module

    run, own = tmp_path / "run", ["--set", f"data.store={tmp_path / 'store'}", "--set", "training.log_every=1"]
    assert main(["prepare", str(config), *own]) == 0
    folder = Path(capsys.readouterr().out.strip())
    path = next(folder.glob("train.en-xa.target.ids"))
    content = bytearray(path.read_bytes())
    content[-2] ^= 1  # another piece of the vocabulary: nothing but the checksum tells
    path.write_bytes(content)
    find = unchecked(module).find_file_damage

    def find_late(path: Path, expected: dict) -> str | None:
        deadline = time.monotonic() + 60
        while late and path.suffix == ".ids" and not (run / "metrics.jsonl").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        return find(path, expected)

    monkeypatch.setattr(module, "find_file_damage", find_late)
    assert main(["train", str(config), "--out", str(run), *own]) == 2
    said = capsys.readouterr().err
    assert f"the token store is damaged: {path} does not match its checksum; delete {folder} and prepare again" in said
    assert (run / "metrics.jsonl").exists() or not late
    assert not (run / "best").exists()
    assert not (run / "checkpoints").exists()
    path.unlink()
    assert main(["train", str(config), "--out", str(run), *own]) == 2
    assert f"{path} is missing" in capsys.readouterr().err
