"""The backends that decode a saved model, told from its config.json alone."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from catscale.errors import CheckpointError
from catscale.model.decoders import decoders_of
from catscale.model.table import ARCHITECTURES
from tests.model.adapted import Adapted


def folder_of(tmp_path: Path, **content: str) -> Path:
    (tmp_path / "config.json").write_text(json.dumps(content), encoding="utf-8")
    return tmp_path


def test_a_plain_model_prefers_ctranslate2(tmp_path: Path) -> None:
    assert list(decoders_of(folder_of(tmp_path, model_type="m2m_100"))) == ["ctranslate2", "huggingface"]
    assert list(decoders_of(folder_of(tmp_path, architecture="m2m100"))) == ["ctranslate2", "huggingface"]


def test_another_architecture_names_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ARCHITECTURES, "adapted", Adapted)
    assert list(decoders_of(folder_of(tmp_path, architecture="adapted"))) == ["huggingface"]


def test_a_plain_model_s_are_told_without_pytorch(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from catscale.model.decoders import decoders_of\n"
    code += "decoders_of(Path(sys.argv[1])); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code, str(folder_of(tmp_path))], check=False).returncode == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, r"config\.json"),
        ("{", r"config\.json"),
        ('{"architecture": 3}', "architecture: input should be a valid string, found 3"),
        ('{"architecture": "none"}', "names the architecture 'none', which this version of catscale does not have"),
    ],
)
def test_a_folder_that_says_nothing_is_refused(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(CheckpointError, match=message):
        decoders_of(tmp_path)
