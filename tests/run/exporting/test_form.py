"""What a format is called, and which quantization it has."""

import pytest

from catscale.errors import ConfigError
from catscale.run.exporting import form as module
from catscale.run.exporting.form import QUANTIZATIONS, ExportFormat


def test_the_plain_weights_are_exact_and_the_others_are_not():
    assert [name for name in QUANTIZATIONS if ExportFormat("ctranslate2", name).is_exact] == ["float32"]
    assert ExportFormat("hf").is_exact
    assert ExportFormat("ctranslate2", "int8_float16").label == "CTranslate2, int8_float16"


def test_a_library_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    ExportFormat("hf").check()
    with pytest.raises(ConfigError, match=r"needs CTranslate2, which is not installed; install catscale"):
        ExportFormat("ctranslate2").check()


def test_only_ctranslate2_has_quantizations():
    for name in QUANTIZATIONS:
        ExportFormat("ctranslate2", name).check()
    ExportFormat("hf").check()
    with pytest.raises(ConfigError, match=r"found int8 with --format hf, whose weights stay .*; give --format ctrans"):
        ExportFormat("hf", "int8").check()
