"""A run whose best model went through transformers, which leaves the SentencePiece file out of what it saves."""

import json
import shutil

from catscale.vocabulary.table import load_vocabulary
from tests.cli.toy import write_config


def test_a_model_that_came_back_from_transformers_is_scored_and_translates(cli, corpus, store, tmp_path):
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    config = write_config(tmp_path / "c.yaml", corpus, store, training={"max_steps": 2})
    run, line = tmp_path / "run", tmp_path / "in.txt"
    line.write_text("red fox sees the big owl\n")
    assert cli("train", config, "--out", run).status == 0
    assert cli("evaluate", run, "--beam", 1).status == 0
    before = json.loads((run / "scores.json").read_text())
    translated = cli("translate", run, "--to", "xa", "--beam", 1, "--input", line).out

    model = AutoModelForSeq2SeqLM.from_pretrained(run / "best")
    tokenizer = AutoTokenizer.from_pretrained(run / "best", src_lang="__en__")
    original = load_vocabulary(run / "best")
    shutil.rmtree(run / "best")
    model.save_pretrained(run / "best")
    tokenizer.save_pretrained(run / "best")
    assert not (run / "best" / "sentencepiece.bpe.model").exists()
    assert load_vocabulary(run / "best").is_same(original)
    scored = cli("evaluate", run, "--beam", 1)
    assert scored.status == 0, scored.err
    assert "has no manifest.json" in scored.err
    after = json.loads((run / "scores.json").read_text())
    assert [after[name] for name in ("en-xa", "en-xb")] == [before[name] for name in ("en-xa", "en-xb")]
    assert cli("translate", run, "--to", "xa", "--beam", 1, "--input", line).out == translated
    unknown = tmp_path / "unknown.txt"
    unknown.write_text("日本語 漢字\nred fox\n")
    warned = cli("translate", run, "--to", "xa", "--beam", 1, "--input", unknown)
    assert "1 of 2 source sentences are mostly characters that the model's vocabulary lacks" in warned.err
    assert warned.out.count("\n") == 2
