"""`catscale init`, and a training of what it wrote, through the real command line."""

import json

import pytest

from tests.cli.toy import pairs, write_corpus, write_lines
from tests.data.formats.writers import write_tmx
from tests.model.nllb_folder import write_nllb_folder

FAST = "training.max_steps=3 training.batch_tokens=64 training.precision=fp32 training.threads=1 training.device=cpu"


def write_moses(root):
    write_corpus(root, "moses", {"xa": 80, "xb": 40}, dev=4, test=4)


def write_table(root):
    rows = ["en\taz\tde", *(f"{en}\t{xa}\t{xa[::-1]}" for en, xa in pairs("xa", "train", 80))]
    write_lines(root / "my words.tsv", rows)


def write_two_layouts(root):
    (root / "memory.tmx").write_bytes(write_tmx(pairs("xa", "train", 40)))
    write_lines(root / "web.jsonl", [json.dumps({"en": en, "az": az}) for en, az in pairs("xb", "train", 40)])


@pytest.mark.parametrize("write", [write_moses, write_table, write_two_layouts])
def test_what_it_writes_trains(cli, tmp_path, monkeypatch, write):
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "my text"
    root.mkdir()
    write(root)
    done = cli("init", "my text")
    assert (done.status, done.out) == (0, "my.yaml\n")
    small = "model.width=16 model.heads=2 model.feed_forward=16 model.encoder_layers=1 model.decoder_layers=1"
    options = [word for setting in f"{FAST} {small}".split() for word in ("--set", setting)]
    done = cli("train", "my.yaml", "--out", "run", *options)
    assert done.status == 0, done.err
    assert "finished at step 3" in done.err


def test_mistakes(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_lines(tmp_path / "notes.txt", ["nothing"])
    assert "holds no text in two languages" in cli("init", tmp_path).message
    write_table(tmp_path)
    assert cli("init", ".").status == 0
    assert "my.yaml is there already" in cli("init", ".").message
    assert cli("init", ".", "--out", "other.yaml").out == "other.yaml\n"


def test_a_pre_trained_model(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_nllb_folder(tmp_path / "nllb")
    (tmp_path / "text").mkdir()
    for language in ("de", "az", "tyv"):
        for side, code in enumerate(("en", language)):
            write_lines(tmp_path / "text" / f"train.en-{language}.{code}", [p[side] for p in pairs("xa", "train", 40)])
    done = cli("init", "text", "--pretrained", "nllb")
    assert done.status == 0, done.err
    written = (tmp_path / "my.yaml").read_text()
    assert "# like: TAG   # rus_Cyrl, bel_Cyrl" in written
    assert "(en-az, en-de), have 50%" in " ".join(written.split("\n# "))
    done = cli("train", "my.yaml", "--out", "run", *(w for setting in FAST.split() for w in ("--set", setting)))
    assert done.status == 0, done.err
    assert "tyv is tyv_Cyrl" in done.err
    assert "finished at step 3" in done.err
    assert "has no tokenizer" in cli("init", "text", "--pretrained", "text", "--out", "b.yaml").message
    assert not (tmp_path / "b.yaml").exists()
