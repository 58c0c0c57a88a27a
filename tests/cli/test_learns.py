"""A model that must learn, through the real command line, from text to translations."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.cli.toy import pairs, sentences, translate, write_config, write_corpus, write_lines

SIZES = {"xa": 1500, "xb": 500}
STOCK = """
import json, sys
import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer
folder, tag, beam, lines = sys.argv[1], sys.argv[2], int(sys.argv[3]), json.loads(sys.argv[4])
tokenizer = AutoTokenizer.from_pretrained(folder, src_lang="__en__", tgt_lang=tag)
model = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
found = []
for line in lines:
    inputs = tokenizer(line, return_tensors="pt")
    start = tokenizer.convert_tokens_to_ids(tag)
    ids = model.generate(**inputs, num_beams=beam, forced_bos_token_id=start, max_new_tokens=30, do_sample=False)
    found.append(tokenizer.batch_decode(ids, skip_special_tokens=True)[0])
assert "catscale" not in sys.modules
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A run that has learnt the toy dictionaries, evaluated."""
    from catscale.cli.main import main

    root = tmp_path_factory.mktemp("learns")
    corpus = write_corpus(root / "corpus", "moses", SIZES)
    config = write_config(
        root / "toy.yaml",
        corpus,
        root / "store",
        model={"width": 48, "feed_forward": 96, "heads": 4, "dropout": 0.0},
        training={
            "max_steps": 360, "validate_every": 180, "batch_tokens": 512, "sub_batch_tokens": 256, "log_every": 50,
        },
        optimizer={"warmup_steps": 60},
        balancing={"method": "cats"},
        evaluation={"beam": 3},
    )  # fmt: skip
    assert main(["train", str(config), "--out", str(root / "run")]) == 0
    assert main(["evaluate", str(root / "run")]) == 0
    return root / "run"


def test_it_learns_and_every_direction_is_scored(run):
    scores = json.loads((run / "scores.json").read_text())
    assert {"en-xa", "en-xb", "averages", "evaluation"} == set(scores)
    for direction in ("en-xa", "en-xb"):
        entry = scores[direction]
        assert entry["bleu"]["score"] > 70
        assert entry["chrf"]["score"] > 70
        assert entry["nll"] < 0.4
        assert entry["sentences"] == 40
        assert "tok:13a" in entry["bleu"]["signature"]
    mean = (scores["en-xa"]["bleu"]["score"] + scores["en-xb"]["bleu"]["score"]) / 2
    assert scores["averages"]["all"]["bleu"] == pytest.approx(mean)
    assert scores["averages"]["low"]["bleu"] == pytest.approx(scores["en-xb"]["bleu"]["score"])
    assert scores["averages"]["high"]["bleu"] == pytest.approx(scores["en-xa"]["bleu"]["score"])


def test_translations_are_kept_line_by_line(run):
    for language in SIZES:
        source, reference = zip(*pairs(language, "test", 40), strict=True)
        found = {
            kind: (run / "translations" / f"test.en-{language}.{kind}").read_text().splitlines()
            for kind in ("src", "ref", "hyp")
        }
        assert (found["src"], found["ref"]) == (list(source), list(reference))
        right = sum(a == b for a, b in zip(found["hyp"], reference, strict=True))
        assert right > 25, found["hyp"][:5]


def test_the_run_describes_itself(run):
    environment = json.loads((run / "environment.json").read_text())
    assert environment["train_pairs"].keys() == {"en-xa", "en-xb"}
    assert {"catscale", "commit", "packages", "device", "seed", "data_fingerprint"} <= environment.keys()
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert {record["kind"] for record in records} == {"train", "valid", "balance"}
    assert all({"step", "time"} <= record.keys() for record in records)
    balance = next(r for r in records if r["kind"] == "balance")
    assert {"weights", "multipliers", "curvature", "gradient_norms"} <= balance.keys()
    assert balance["step"] == 10
    losses = [record["mean"] for record in records if record["kind"] == "train"]
    assert losses[-1] < 0.3 * losses[0]


def test_translate_keeps_order_and_empty_lines(run, cli, tmp_path):
    asked = sentences(6, seed=9)
    asked[2:2] = ["", "   "]
    write_lines(tmp_path / "in", asked)
    done = cli("translate", run, "--to", "xa", "--from", "en", "--input", tmp_path / "in")
    assert done.status == 0
    lines = done.out.split("\n")[:-1]
    assert len(lines) == len(asked)
    assert lines[2:4] == ["", ""]
    right = [line == translate(source, "xa") for line, source in zip(lines, asked, strict=True)]
    assert sum(right) >= 6
    again = cli("translate", run, "--to", "xa", "--input", tmp_path / "in", "--output", tmp_path / "out")
    assert (again.status, again.out) == (0, "")
    assert (tmp_path / "out").read_text() == done.out


def test_translate_reads_standard_input(run):
    command = [sys.executable, "-m", "catscale", "translate", str(run), "--to", "xb"]
    done = subprocess.run(command, input="\ncat\n", capture_output=True, text=True, check=True)
    assert done.stdout == f"\n{translate('cat', 'xb')}\n"


def test_best_is_a_stock_model(run, cli, tmp_path):
    asked, language = sentences(8, seed=17), "xb"
    write_lines(tmp_path / "in", asked)
    ours = cli("translate", run, "--to", language, "--input", tmp_path / "in").out.splitlines()
    command = [sys.executable, "-c", STOCK, str(run / "best"), f"__{language}__", "3", json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == ours


def test_best_has_its_own_limit_of_length(run):
    """Without one, `generate` of transformers ends a translation after 20 tokens."""
    settings = json.loads((run / "best" / "generation_config.json").read_text())
    assert settings["max_length"] == 256 + 2  # evaluation.max_length, the tag and the end
    assert settings["num_beams"] == 3


def test_back_translations_train_the_opposite_direction(run, cli, tmp_path):
    """The entry that the command prints, put into a configuration, trains."""
    asked = [*sentences(40, seed=11), ""]
    write_lines(tmp_path / "in", asked)
    command = ["backtranslate", run, "--from", "en", "--to", "xa", "--input", tmp_path / "in", "--out", tmp_path / "bt"]
    done = cli(*command, "--beam", 1)
    assert done.status == 0, done.err
    (entry,) = yaml.safe_load(done.out)
    written = [(tmp_path / "bt" / f"train.xa-en.{code}").read_text().splitlines() for code in ("xa", "en")]
    right = [translate(text, "xa") == made for made, text in zip(*written, strict=True)]
    assert sum(right) > 25
    config = yaml.safe_load(write_config(tmp_path / "c.yaml", run.parent / "corpus", tmp_path / "store").read_text())
    corpora = [{"format": "moses", "path": str(run.parent / "corpus")}, entry]
    config["data"] = {"corpora": corpora, "directions": ["xa-en"], "store": str(tmp_path / "store")}
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(config))
    done = cli("train", tmp_path / "c.yaml", "--out", tmp_path / "run", "--set", "training.max_steps=2")
    assert done.status == 0, done.err
    assert f"xa-en train: {SIZES['xa'] + len(right):,} pairs read" in done.err
    assert ", <bt>" in done.err


@pytest.mark.parametrize("layout", ["tsv", "jsonl"])
def test_the_other_layouts_train_too(cli, tmp_path, layout):
    corpus = write_corpus(tmp_path / "corpus", layout, {"xa": 60, "xb": 60}, dev=10, test=10)
    config = write_config(tmp_path / "c.yaml", corpus, tmp_path / "store", data={"format": layout})
    done = cli("train", config, "--out", tmp_path / "run", "--set", "training.max_steps=2")
    assert done.status == 0
    assert done.out.strip() == str(tmp_path / "run")
    environment = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert environment["train_pairs"] == {f"en-{code}": len(set(pairs(code, "train", 60))) for code in SIZES}
