"""A real training, evaluation and comparison: the interpreter tells of every write, and who of us asked for it."""

import json
from pathlib import Path

import pytest

from tests.cli.toy import write_config, write_corpus
from tests.forked import start_program
from tests.system.plants import snapshot

LIBRARIES = {
    "training/checkpointing/checkpoint.py",
    "model/m2m100_model.py",
    "vocabulary/sentencepiece.py",
    "evaluation/decoding/ctranslate2.py",
}
"""Where a library writes itself, into a fresh folder of ours."""


@pytest.mark.timeout(200)
def test_every_write_goes_through_one_place_and_none_leads_to_somebody_else_s(tmp_path):
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    for folder in (theirs, ours):
        folder.mkdir()
    corpus = write_corpus(ours / "corpus", "moses", {"xa": 60, "xb": 40}, dev=4, test=4)
    training = {"max_steps": 2, "validate_every": 1, "log_every": 1, "keep": 1, "sub_batch_tokens": 32}
    config = write_config(ours / "toy.yaml", corpus, ours / "store", training=training)
    first, second = str(ours / "first"), str(ours / "second")
    links = plan_links(ours / "first", theirs)
    commands = [
        ["train", str(config), "--out", first, "--set", "training.max_steps=1"],
        ["train", str(config), "--out", first],
        ["train", str(config), "--out", second, "--set", "training.seed=2"],
        ["evaluate", first],
        ["evaluate", second],
        ["compare", first, second, "--out", str(ours / "out"), "--resamples", "20"],
    ]
    (theirs / "precious").write_text("precious")
    before = snapshot(theirs)
    code = "from tests.system.audited import main; main()"
    ended = start_program(code, theirs, ours, json.dumps(links), json.dumps(commands)).finish(180)
    assert ended.status == 0, ended.err
    told = json.loads(ended.out)
    assert told["statuses"] == [0] * len(commands), ended.err
    assert told["wrong"] == []
    assert snapshot(theirs) == before
    assert all(Path(place).is_symlink() for place in links)
    asking = {module for _, module, _ in told["places"]}
    assert {module for module in asking if not module.startswith("system/")} <= LIBRARIES
    assert sum(count for event, module, count in told["places"] if module.startswith("system/")) > 100
    assert {"open", "os.rename", "os.remove", "os.mkdir"} <= {event for event, _, _ in told["places"]}


def plan_links(run: Path, theirs: Path) -> dict[str, str]:
    """Links with the names that a temporary file, a lock or a copy might have had: to a file, and to nothing."""
    names = ["metrics.jsonl", "config.yaml", "environment.json", "scores.json", "best", "translations", "checkpoints"]
    places = [run / f".{name}.{ending}" for name in names for ending in ("tmp", "bak", "part", "lock", "new")]
    places += [run / "checkpoints" / f".step-{step}.tmp" for step in (1, 2)]
    places.append(run / ".best.frozen")
    return {str(place): str(theirs / ("precious" if n % 3 else "nothing")) for n, place in enumerate(places)}
