"""A user's mistakes: exit status 2, one message, no traceback, nothing written half."""

import gzip
import json
import os
import re
import shutil
import signal

import pytest
import yaml

from catscale.cli.main import main
from catscale.model import likelihood
from catscale.training import trainer
from tests.cli.toy import write_config, write_lines
from tests.forked import CATSCALE, start_program


@pytest.fixture
def own(tmp_path, corpus):
    """A corpus to spoil, with a store and a run folder of its own."""
    root = shutil.copytree(corpus, tmp_path / "corpus")
    return root, write_config(tmp_path / "own.yaml", root, tmp_path / "store")


def assert_nothing_written(tmp_path) -> None:
    for folder in (tmp_path / "run", tmp_path / "store"):
        assert [p.name for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".lock")] == []


def fail(cli, config, tmp_path, *more: object) -> str:
    done = cli("train", config, "--out", tmp_path / "run", *more)
    assert done.status == 2
    assert done.out == ""
    assert_nothing_written(tmp_path)
    return done.message


def test_a_line_is_missing(cli, own, tmp_path):
    root, config = own
    path = root / "en-xb" / "train.xb"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    message = fail(cli, config, tmp_path)
    assert f"{root / 'en-xb' / 'train.en'} has 150 lines and {path} has 149" in message


def test_invalid_utf8(cli, own, tmp_path):
    root, config = own
    path = root / "en-xa" / "dev.xa"
    lines = path.read_bytes().split(b"\n")
    lines[6] = b"caf\xe9"
    path.write_bytes(b"\n".join(lines))
    assert f"{path}, line 7 is not valid UTF-8" in fail(cli, config, tmp_path)


def test_an_empty_file(cli, own, tmp_path):
    root, config = own
    for code in ("en", "xa"):
        (root / "en-xa" / f"train.{code}").write_bytes(b"")
    assert "en-xa/train.en is empty" in fail(cli, config, tmp_path)


def test_a_damaged_gzip_file(cli, own, tmp_path):
    root, config = own
    path = root / "en-xa" / "train.xa"
    (root / "en-xa" / "train.xa.gz").write_bytes(gzip.compress(path.read_bytes())[:-40])
    path.unlink()
    assert "train.xa.gz" in fail(cli, config, tmp_path)


def test_a_language_without_data(cli, own, tmp_path):
    root, config = own
    message = fail(cli, config, tmp_path, "--set", "data.targets=[xa, xq]")
    assert "no train split for en-xq" in message
    assert f"under {root}" in message
    assert "train data exists for en-xa, en-xb" in message


def test_a_vocabulary_larger_than_the_text_allows(cli, own, tmp_path):
    message = fail(cli, own[1], tmp_path, "--set", "vocabulary.size=5000")
    assert "vocabulary.size 5,000 is larger than the training text allows" in message
    mended = cli("train", own[1], "--out", tmp_path / "run", "--set", "training.max_steps=1")
    assert mended.status == 0  # the same folder, the configuration mended


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["training.select_by=en-xq"], "training.select_by must be mean or one of ['en-xa', 'en-xb'], found 'en-xq'"),
        (["model.width=33"], "model.width must be even and divisible by model.heads, found width 33"),
        (["balancing.method=cats", "balancing.alpha_floor=0.6"], "balancing.alpha_floor must be below 1/2"),
        (["balancing.task_weights=[1]"], "balancing.task_weights: found 1 weights for 2 tasks"),
        (["training.device=nowhere"], "training.device: 'nowhere' cannot be used here"),
        (["data.limit={en-xq: 5}"], "data.limit names en-xq, which is not trained"),
    ],
)
def test_a_setting_that_does_not_fit_leaves_no_run_folder(cli, config, tmp_path, settings, message):
    overrides = [part for setting in settings for part in ("--set", setting)]
    done = cli("train", config, "--out", tmp_path / "run", *overrides)
    assert done.status == 2
    assert message in done.message
    assert not (tmp_path / "run").exists()


def test_a_folder_that_was_there_stays(cli, config, tmp_path):
    (tmp_path / "run").mkdir()
    assert cli("train", config, "--out", tmp_path / "run", "--set", "model.width=33").status == 2
    assert not any((tmp_path / "run").iterdir())


def test_no_dev_split(cli, own, tmp_path):
    root, config = own
    for path in root.glob("*/dev.*"):
        path.unlink()
    assert "no dev split for en-xa" in fail(cli, config, tmp_path)


def test_an_unknown_key_names_the_nearest(cli, config, tmp_path):
    message = fail(cli, config, tmp_path, "--set", "optimizer.learning_rte=0.1")
    assert "optimizer.learning_rte: unknown key; did you mean learning_rate?" in message


def test_all_problems_at_once(cli, config, tmp_path):
    content = yaml.safe_load(config.read_text())
    content["training"] |= {"max_steps": -3, "precision": "fp8"}
    content["optimizer"] = {"learning_rte": 0.1}
    content["balancing"] = {"method": "cats", "inner_step": 5}
    content["modle"] = {}
    content["data"]["format"] = "xml"
    content[7] = 1
    config.write_text(yaml.safe_dump(content))
    message = fail(cli, config, tmp_path)
    assert "has 7 problems:" in message
    for line in (
        "optimizer.learning_rte: unknown key; did you mean learning_rate?",
        "training.max_steps: input should be greater than or equal to 1, found -3",
        "training.precision: input should be 'auto', 'fp32', 'tf32' or 'bf16', found 'fp8'",
        "balancing.inner_step: unknown key; did you mean inner_steps?",
        "modle: unknown key; did you mean model?",
        "data.format: there is no such format; known are opus100, moses, tsv, jsonl, ted, tmx, xliff, parquet, hf, "
        "pairs, found 'xml'",
        "7: ",
    ):
        assert f"  {line}" in message


def test_an_unknown_method_names_those_there_are(cli, config, tmp_path):
    message = fail(cli, config, tmp_path, "--set", "balancing.method=cast")
    assert "balancing.method: 'cast' is not known; did you mean cats? Known here: fixed, cats, " in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("data: {format: [", "is not valid YAML"),
        ("- 1\n", "must hold keys such as data: and training:, found list"),
        ("", "must hold keys such as data: and training:, found NoneType"),
        ("training: {max_steps: 3}\n", "data: field required"),
        ("data: 5\n", "data: input should be"),
        ("data: \x00\n", "is not valid YAML"),
        ("training: {seed: 1}\ntraining: {seed: 2}\n", "the key 'training' is repeated"),
    ],
)
def test_a_strange_configuration(cli, tmp_path, content, message):
    (tmp_path / "c.yaml").write_text(content)
    assert message in fail(cli, tmp_path / "c.yaml", tmp_path)


def test_a_configuration_that_cannot_be_read(cli, tmp_path):
    assert f"cannot read the configuration {tmp_path / 'no.yaml'}" in fail(cli, tmp_path / "no.yaml", tmp_path)
    (tmp_path / "latin.yaml").write_bytes("é: 1".encode("latin-1"))
    assert "cannot read the configuration" in fail(cli, tmp_path / "latin.yaml", tmp_path)
    assert "cannot read the configuration" in fail(cli, tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.seed", "--set needs key=value"),
        ("=3", "--set needs key=value"),
        ("training..seed=3", "--set needs key=value"),
        ("training.seed=[", "the value is not valid YAML"),
        ("training.max_steps.more=3", "'max_steps' is a single value and has no keys"),
        ("training.seed=three", "training.seed: input should be a valid integer"),
        ("training.seed=", "training.seed: input should be a valid integer"),
        ("trainig.seed=3", "trainig: unknown key; did you mean training?"),
    ],
)
def test_a_bad_override(cli, config, tmp_path, override, message):
    assert message in fail(cli, config, tmp_path, "--set", override)


def test_an_unwritable_store(cli, config, tmp_path):
    (tmp_path / "file").touch()
    message = fail(cli, config, tmp_path, "--set", f"data.store={tmp_path / 'file' / 'x'}")
    assert f"cannot create the token store {tmp_path / 'file'}" in message
    assert "choose another folder" in message


def test_an_unwritable_run_folder(cli, config, tmp_path):
    (tmp_path / "file").touch()
    for out in (tmp_path / "file" / "x", tmp_path / "file"):
        done = cli("train", config, "--out", out)
        assert done.status == 2
        assert str(out) in done.message or f"cannot make the run's folder {tmp_path / 'file'}" in done.message
    assert (tmp_path / "file").read_bytes() == b""


def test_a_disk_that_fills_up_while_training(cli, config, tmp_path, monkeypatch):
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device", str(tmp_path / "run"))

    monkeypatch.setattr("catscale.training.checkpointing.checkpoint.save_file", full)
    done = cli("train", config, "--out", tmp_path / "run")
    assert done.status == 2
    assert "No space left on device" in done.message
    assert not any((tmp_path / "run" / "checkpoints").iterdir())


@pytest.fixture(scope="module")
def trained(tmp_path_factory, corpus, store):
    root = tmp_path_factory.mktemp("trained")
    config = write_config(root / "c.yaml", corpus, store, training={"max_steps": 1})
    assert main(["train", str(config), "--out", str(root / "run")]) == 0
    return root / "run"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "xq"], "the run does not translate to 'xq'; it translates to xa, xb"),
        (["--to", "xa", "--from", "xb"], "the run does not translate from 'xb'; it translates from en"),
        (["--to", "xa", "--input", "no such file"], "cannot read no such file"),
        (["--to", "xa", "--input", os.curdir], "cannot read"),
        (["--to", "xa", "--device", "nowhere"], "'nowhere' cannot be used here"),
        (["--to", "xa", "--device", ""], "'' cannot be used here"),
        (["--to", "xa", "--device", "mps"], "'mps' cannot be used here"),
    ],
)
def test_translate_what_the_run_cannot(cli, trained, arguments, message):
    done = cli("translate", trained, *arguments)
    assert (done.status, done.out) == (2, "")
    assert message in done.message


def test_translate_invalid_utf8(cli, trained, tmp_path):
    (tmp_path / "in").write_bytes(b"cat\n\xff\n")
    done = cli("translate", trained, "--to", "xa", "--input", tmp_path / "in", "--output", tmp_path / "out")
    assert done.status == 2
    assert f"{tmp_path / 'in'}, line 2: not valid UTF-8" in done.message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (gzip.compress(b"cat\n", mtime=0), "compressed by gzip: .* zcat FILE"),
        ("cat\n".encode("utf-16"), "iconv -f utf-16 -t utf-8"),
    ],
)
def test_translate_says_what_a_file_is(cli, trained, tmp_path, content, advice):
    (tmp_path / "in").write_bytes(content)
    done = cli("translate", trained, "--to", "xa", "--input", tmp_path / "in")
    assert (done.status, done.out) == (2, "")
    assert re.search(advice, done.message)


def test_translate_to_a_place_that_cannot_be_written(cli, trained, tmp_path):
    write_lines(tmp_path / "in", ["cat"])
    done = cli("translate", trained, "--to", "xa", "--input", tmp_path / "in", "--output", tmp_path / "in" / "out")
    assert done.status == 2
    assert "cannot write" in done.message


@pytest.mark.parametrize("command", [["evaluate"], ["translate", "--to", "xa"]])
def test_a_run_without_a_model(cli, trained, tmp_path, command):
    name, *more = command
    for folder in (tmp_path / "nothing", tmp_path):
        done = cli(name, folder, *more)
        assert done.status == 2
        assert f"{folder} is not a run's folder: config.yaml is missing" in done.message
    (tmp_path / "untrained").mkdir()
    shutil.copy(trained / "config.yaml", tmp_path / "untrained")
    done = cli(name, tmp_path / "untrained", *more)
    assert done.status == 2
    assert "has no trained model yet" in done.message
    assert sorted(p.name for p in (tmp_path / "untrained").iterdir()) == ["config.yaml"]


def test_a_damaged_model(cli, trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    os.truncate(run / "best" / "model.safetensors", 500)
    done = cli("evaluate", run)
    assert done.status == 2
    assert f"{run / 'best'} is damaged: model.safetensors does not match its checksum" in done.message
    (run / "best" / "manifest.json").unlink()  # as an earlier version left it
    done = cli("evaluate", run)
    assert done.status == 2
    assert f"{run / 'best' / 'model.safetensors'} cannot be read (" in done.message
    assert not (run / "scores.json").exists()


def test_evaluate_a_split_that_is_not_there(cli, own, tmp_path):
    root, config = own
    for path in root.glob("*/test.*"):
        path.unlink()
    assert cli("train", config, "--out", tmp_path / "run", "--set", "training.max_steps=1").status == 0
    done = cli("evaluate", tmp_path / "run")
    assert done.status == 2
    assert "no direction has a test split" in done.message


@pytest.mark.parametrize("arguments", [[], ["trian"], ["train"], ["translate", "run"], ["demo", "--steps", "0"]])
def test_wrong_arguments(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "usage: catscale" in capsys.readouterr().err


def test_a_loss_that_is_not_finite_stops_before_the_update(cli, config, tmp_path, monkeypatch):
    real, together = likelihood.batch_losses, likelihood.joined_losses
    steps: list[None] = []

    def spoiled(model, batch, smoothing):
        loss, nll = real(model, batch, smoothing)
        before.update({name: p.detach().clone() for name, p in model.named_parameters()})
        return (loss * float("nan") if len(steps) >= 11 else loss), nll

    def spoiled_together(model, joined, smoothing, tasks):
        losses, nll = together(model, joined, smoothing, tasks)
        before.update({name: p.detach().clone() for name, p in model.named_parameters()})
        return (losses * float("nan") if len(steps) >= 11 else losses), nll

    before: dict = {}
    monkeypatch.setattr(likelihood, "batch_losses", spoiled)
    monkeypatch.setattr(likelihood, "joined_losses", spoiled_together)
    models = []
    step = trainer.Trainer.step
    monkeypatch.setattr(trainer.Trainer, "step", lambda self: (steps.append(None), step(self))[1])
    start = trainer.Trainer.start
    monkeypatch.setattr(trainer.Trainer, "start", lambda self: (models.append(self.model), start(self))[1])
    done = cli("train", config, "--out", tmp_path / "run")
    assert done.status == 3
    assert int(done.message.removeprefix("step ").partition(":")[0]) == 11
    assert "the loss of task 'en-x" in done.message
    assert "found nan" in done.message
    assert "the last good checkpoint is kept" in done.message
    assert [p.name for p in (tmp_path / "run" / "checkpoints").iterdir()] == ["step-8"]
    assert all(before[name].equal(p) for name, p in models[0].named_parameters())
    monkeypatch.undo()
    again = cli("train", config, "--out", tmp_path / "run")
    assert again.status == 0
    assert "continuing at step 8" in again.err


@pytest.mark.parametrize("method", ["fixed", "cats"])
@pytest.mark.parametrize("validate_every", [1, 8])
def test_an_absurd_learning_rate_diverges(cli, config, tmp_path, method, validate_every):
    overrides = (
        f"balancing.method={method}", "optimizer.learning_rate=1.0e+30", "optimizer.warmup_steps=0",
        f"training.validate_every={validate_every}",
    )  # fmt: skip
    done = cli("train", config, "--out", tmp_path / "run", *(part for text in overrides for part in ("--set", text)))
    assert done.status == 3
    assert done.message.startswith("step ")
    assert "lower" in done.message


def test_the_operating_systems_refusals_need_no_traceback(cli, trained, monkeypatch):
    def refuse(*arguments: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied", "/some/place")

    monkeypatch.setattr("catscale.run.commands.translate.load_decoder", refuse)
    done = cli("translate", trained, "--to", "xa")
    assert done.status == 2
    assert done.message == "/some/place: Permission denied; check permissions and free space\n"


def test_a_termination_while_preparing_leaves_what_is_done(cli, own, tmp_path, monkeypatch):
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("catscale.data.preparation.tasks.encode_split", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    done = cli("train", own[1], "--out", tmp_path / "run")
    assert (done.status, done.message) == (130, "interrupted\n")
    [work] = [path for path in (tmp_path / "store").iterdir() if path.is_dir()]
    assert work.name.endswith(".work")
    assert {path.name.partition(".")[0] for path in (work / "done").iterdir()} == {"hold", "clean"}
    assert not list(work.glob("tmp-*"))
    assert not (tmp_path / "run" / "config.yaml").exists()
    monkeypatch.undo()
    assert cli("prepare", own[1]).status == 0
    assert not work.exists()
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_reader_that_has_gone_is_no_error(config):
    ended = start_program(UNREAD + CATSCALE, "prepare", config).finish()
    assert (ended.status, ended.out) == (0, "")
    assert "Broken" not in ended.err


UNREAD = """
import os
reader, writer = os.pipe()
os.close(reader)
os.dup2(writer, 1)
from tests.forked import open_streams
open_streams()
"""


def test_evaluate_on_data_that_have_changed_says_so(cli, trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    path = run / "environment.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"data_fingerprint": "f" * 64}))
    done = cli("evaluate", run)
    assert done.status == 0
    assert f"warning: the data have changed since {run} was trained" in done.err
    path.write_text("{")
    done = cli("translate", run, "--to", "xa")
    assert done.status == 2
    assert "environment.json cannot be read" in done.message
