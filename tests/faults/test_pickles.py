"""Whatever lies in a run's folders, nothing of it is unpickled or executed."""

import json
import os
import pickle
import shutil
from pathlib import Path

import pytest

from catscale.cli.main import main

NAMES = ("pytorch_model.bin", "training_args.bin", "optimizer.pt", "scheduler.pt", "rng_state.pth",
         "adapter_model.bin", "model.pkl")  # fmt: skip
CODE = ("AutoConfig", "AutoModel", "AutoModelForSeq2SeqLM", "AutoTokenizer")


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def mined(trained: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A run in whose folders pickles and code lie, and what would be there if any had run."""
    run, mark = shutil.copytree(trained, tmp_path / "run"), tmp_path / "EXECUTED"
    for folder in (run, run / "best", run / "checkpoints" / "step-6"):
        for name in NAMES:
            (folder / name).write_bytes(pickle.dumps(Bomb(mark)))
    best = run / "best"
    (best / "manifest.json").unlink()  # so that no checksum stands before it
    code = f"import os\nos.mkdir({str(mark)!r})\nclass Evil: pass\n"
    (best / "evil.py").write_text(code)
    (best / "custom_generate").mkdir()
    (best / "custom_generate" / "generate.py").write_text(code)
    for name in ("config.json", "tokenizer_config.json", "generation_config.json"):
        content = json.loads((best / name).read_text())
        content["auto_map"] = dict.fromkeys(CODE[:3], "evil.Evil") | {"AutoTokenizer": ["evil.Evil", "evil.Evil"]}
        content |= {"custom_generate": "custom_generate", "trust_remote_code": True}
        (best / name).write_text(json.dumps(content))
    return run, mark


def test_a_bomb_goes_off_when_it_is_unpickled(tmp_path):
    pickle.loads(pickle.dumps(Bomb(tmp_path / "EXECUTED")))
    assert (tmp_path / "EXECUTED").is_dir()


@pytest.mark.parametrize("backend", ["ctranslate2", "huggingface"])
def test_no_command_executes_what_it_finds(mined, tmp_path, backend):
    run, mark = mined
    config, source = run / "config.yaml", tmp_path / "lines.txt"
    config.write_text(config.read_text().replace("backend: auto", f"backend: {backend}"))
    source.write_text("red cat\n")
    assert main(["translate", str(run), "--to", "xa", "--input", str(source)]) == 0
    assert main(["evaluate", str(run)]) == 0
    assert main(["analyze", str(run), "--steps", "best", "--set", "analysis.tokens=32"]) == 0
    assert main(["train", str(config), "--out", str(run), "--set", "training.max_steps=7"]) == 0
    assert not mark.exists()


def test_a_pickle_in_place_of_the_model_is_refused(mined, tmp_path, capsys):
    run, mark = mined
    for folder in (run / "best", run / "checkpoints" / "step-6"):
        shutil.copyfile(folder / "pytorch_model.bin", folder / "model.safetensors")
    assert main(["evaluate", str(run)]) == 2
    assert "cannot be read" in capsys.readouterr().err
    (run / "best" / "model.safetensors").unlink()
    for command in (["evaluate", run], ["translate", run, "--to", "xa"]):
        assert main([str(word) for word in command]) == 2
        assert "has no trained model yet" in capsys.readouterr().err
    assert main(["train", str(run / "config.yaml"), "--out", str(run)]) == 0
    assert "step-6 is damaged: model.safetensors does not match its checksum" in capsys.readouterr().err
    assert not mark.exists()


@pytest.mark.parametrize("kind", ["evil", "m2m_100"])
def test_a_model_of_its_own_code_is_refused(mined, capsys, kind, tmp_path):
    run, mark = mined
    path = run / "best" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model_type": kind, "architectures": ["Evil"]}))
    (tmp_path / "lines.txt").write_text("red cat\n")
    status = main(["translate", str(run), "--to", "xa", "--input", str(tmp_path / "lines.txt")])
    said = capsys.readouterr().err
    assert status == (2 if kind == "evil" else status)
    assert "Traceback" not in said
    assert not mark.exists()
