"""A second process on a run's folder is refused at once; what only reads is not."""

import shutil
import time
from pathlib import Path

from catscale.cli.main import main
from tests.faults.accidents import Accident, finish, start
from tests.faults.same import assert_same_run
from tests.unchecked import unchecked


def test_a_second_training_is_refused_and_readers_are_not(config, trained, whole, tmp_path, capsys):
    run, log, source = tmp_path / "run", tmp_path / "run.log", tmp_path / "lines.txt"
    source.write_text("red cat\nbig dog\n")
    child = start(["train", config, "--out", run, "--set", "training.max_steps=100000"], run, log, Accident())
    while not (run / "best").exists() and child.is_alive():
        time.sleep(0.05)
    assert main(["train", str(config), "--out", str(run), "--set", "training.max_steps=100000"]) == 2
    assert child.is_alive()  # it was not waited for
    assert f"{run} is in use: `catscale train` runs there since" in (said := capsys.readouterr().err)
    assert f"as process {child.pid} on " in said
    assert "choose another folder" in said
    for command in (["translate", run, "--to", "xa", "--input", source], ["evaluate", run]):
        assert main([str(word) for word in command]) == 0, capsys.readouterr().err
    child.kill()
    assert finish(child, log).status == -9
    shutil.rmtree(run / "checkpoints")  # it went on for longer than the run to compare with
    assert main(["train", str(config), "--out", str(run)]) == 0
    (run / "scores.json").unlink()
    shutil.rmtree(run / "translations")
    shutil.rmtree(run / "ctranslate2", ignore_errors=True)
    assert_same_run(run, trained)


def test_a_second_evaluation_is_refused(trained, tmp_path, capsys):
    from catscale.run.folder.run_lock import hold_lock

    run = shutil.copytree(trained, tmp_path / "run")
    with hold_lock(run, "evaluate"):
        assert main(["evaluate", str(run)]) == 2
        assert f"{run} is in use: `catscale evaluate` runs there" in capsys.readouterr().err
        assert main(["train", str(run / "config.yaml"), "--out", str(run)]) == 0


def test_a_run_that_came_and_went_before_the_lock(config, trained, tmp_path, monkeypatch, capsys):
    from catscale.run.commands import train as module

    run, held = tmp_path / "run", unchecked(module).hold_lock

    def late(folder: Path, command: str):
        shutil.copytree(trained, folder, dirs_exist_ok=True)
        return held(folder, command)

    monkeypatch.setattr(module, "hold_lock", late)
    assert main(["train", str(config), "--out", str(run), "--set", "training.seed=77"]) == 2
    assert "holds a run of another configuration" in capsys.readouterr().err
    shutil.rmtree(run / ".train.lock", ignore_errors=True)
    assert_same_run(run, trained)


def test_a_reader_waits_for_a_model_that_is_being_replaced(trained, tmp_path, monkeypatch, capsys):
    """The training run is between the two renames: the reader must not undo the first."""
    from catscale.run.folder import best as module
    from catscale.run.folder.run_lock import hold_lock

    run = shutil.copytree(trained, tmp_path / "run")
    (run / "best").rename(run / ".best.old")

    def second_rename(seconds: float) -> None:
        shutil.copytree(run / ".best.old", run / "best")

    monkeypatch.setattr(time, "sleep", second_rename)
    with hold_lock(run, "train"):
        assert module.best_folder(run) == run / "best"
    assert (run / ".best.old").exists()


def test_a_reader_undoes_half_a_replacement_when_nobody_trains(trained, tmp_path):
    from catscale.run.folder.best import best_folder

    run = shutil.copytree(trained, tmp_path / "run")
    (run / "best").rename(run / ".best.old")
    assert best_folder(run) == run / "best"
    assert not (run / ".best.old").exists()
