"""spBLEU with a small model in the place of that of FLORES-200, which is not downloaded."""

import os
from pathlib import Path

import pytest
import sacrebleu.tokenizers.tokenizer_spm as theirs
import sacrebleu.utils
from sacrebleu.metrics import BLEU

from catscale.errors import ConfigError
from catscale.evaluation.metrics.bleu import Bleu
from catscale.evaluation.metrics.contract import Segments
from catscale.evaluation.metrics.scoring import check_at_hand
from catscale.evaluation.metrics.spbleu import FILE, SpBleu
from tests.comparison.corpora import references, translate
from tests.evaluation.metrics.texts import AWKWARD, measure, streams_of


def test_the_model_is_looked_for_where_sacrebleu_puts_it(monkeypatch):
    assert os.path.basename(theirs.SPM_MODELS["flores200"]["url"]) == FILE
    monkeypatch.delenv("SACREBLEU", raising=False)
    if "SACREBLEU" not in os.environ and sacrebleu.utils.SACREBLEU_DIR.startswith(str(Path.home())):
        assert SpBleu().path == Path(sacrebleu.utils.SACREBLEU_DIR) / "models" / FILE


@pytest.mark.parametrize("more", [[], [AWKWARD * 2, ["", *AWKWARD, "x"][:9] * 2]])
def test_it_is_sacrebleu_s_bleu_with_its_tokenizer(at_hand, monkeypatch, more):
    monkeypatch.setattr(theirs, "SACREBLEU_DIR", str(at_hand))
    metric, known = BLEU(tokenize="flores200"), [*references(9), *AWKWARD]
    run = translate(known, 0.7, 1)
    streams = streams_of(known, more)
    expected = metric.corpus_score(run, streams).score
    found = SpBleu().score(Segments(run, known, "fr", further=more))
    assert found["score"] == pytest.approx(expected, rel=1e-12)
    assert found["signature"] == str(metric.get_signature())
    assert "|tok:flores200|" in found["signature"]
    assert 10 < expected < 100


def test_a_model_of_one_s_own_is_in_the_signature(cache, monkeypatch, tmp_path):
    monkeypatch.setenv("SACREBLEU", str(tmp_path))
    metric = SpBleu(model=cache / "models" / FILE)
    assert metric.missing == ""
    assert metric.choose("fr", {}) == metric
    assert "|tok:spm-" in measure(metric, [["a"]], ["a"]).signature


def test_without_the_model_it_says_so_in_one_line_and_downloads_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("SACREBLEU", str(tmp_path))
    monkeypatch.setattr("sacrebleu.utils.download_file", lambda *a, **k: pytest.fail("downloaded"))
    assert "\n" not in SpBleu().missing
    with pytest.raises(
        ConfigError, match=r"spBLEU needs the FLORES-200 .*flores200sacrebleuspm is no file; run `sacre"
    ):
        SpBleu().choose("fr", {})


def test_a_file_that_is_no_model_is_named(tmp_path):
    path = tmp_path / "model"
    path.write_bytes(b"no model")
    with pytest.raises(ConfigError, match=r"model cannot be read as a SentencePiece model \(.*\); restore it"):
        SpBleu(model=path).choose("fr", {})


def test_what_is_missing_is_noticed_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setenv("SACREBLEU", str(tmp_path))
    check_at_hand([Bleu()])
    with pytest.raises(ConfigError, match=r"evaluation\.metrics: spBLEU needs the FLORES-200 .*; or leave spbleu out"):
        check_at_hand([Bleu(), SpBleu()])
