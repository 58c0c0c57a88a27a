"""The lines of a card, and the same as functions, on a model with random weights."""

from typing import Any

import pytest

from catscale.evaluation.config import EvaluationConfig
from catscale.model.m2m100 import M2M100
from catscale.run.exporting.form import ExportFormat
from catscale.run.exporting.formats import SEARCH, name_tags, write_model
from catscale.run.exporting.serving import SNIPPETS, load_exported, show_use
from catscale.vocabulary.training import SentencePieceSettings
from tests.cli.toy import sentences

SEARCHED = EvaluationConfig(beam=2, max_length=6)
TAGS = ("__en__", "__az__")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A vocabulary, and the folder of a plain model of it."""
    folder = tmp_path_factory.mktemp("plain")
    settings = SentencePieceSettings(size=90)
    vocabulary = settings.build(sentences(300, 1), ["en", "az"], lambda line: None)
    SIZES.build(vocabulary, (), 1).save(folder)
    vocabulary.save(folder)
    return vocabulary, folder


SIZES = M2M100(preset="tiny", encoder_layers=1, decoder_layers=1, width=16, heads=2, feed_forward=24)


@pytest.mark.parametrize("name", SNIPPETS)
def test_the_lines_hold_any_name(name):
    text = show_use(ExportFormat(name), 'a "folder"\\\n`b`', TAGS, SEARCHED)
    compile(text, name, "exec")
    assert '"a \\"folder\\"\\\\\\n`b`"' in text
    assert '"__az__"' in text
    assert len(text.splitlines()) <= 7


@pytest.mark.parametrize("name", SNIPPETS)
def test_both_formats_are_written_and_translate_line_by_line(saved, name, tmp_path):
    if name == "ctranslate2":
        pytest.importorskip("ctranslate2", reason="CTranslate2 is not installed")
    vocabulary, folder = saved
    write_model(ExportFormat(name), folder, vocabulary, SEARCHED, tmp_path)
    assert name_tags(tmp_path, vocabulary, ["az", "en"]) == {"az": "__az__", "en": "__en__"}
    assert (tmp_path / SEARCH).exists() == (name == "hf")
    lines = ["the big cat", "an owl sees"]
    translate = load_exported(ExportFormat(name), tmp_path, SEARCHED, 64)
    found: list[str] = translate(TAGS, lines)
    assert len(found) == 2
    turned: Any = translate(TAGS, lines[::-1])
    assert turned == found[::-1]


def test_no_line_gives_no_translation(saved, tmp_path):
    vocabulary, folder = saved
    write_model(ExportFormat("hf"), folder, vocabulary, SEARCHED, tmp_path)
    assert load_exported(ExportFormat("hf"), tmp_path, SEARCHED, 64)(TAGS, []) == []
