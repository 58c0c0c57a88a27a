"""Tags of corpora through the command line: the tag decides the style of a translation."""

import json
from pathlib import Path

import pytest

from catscale.cli.main import main
from tests.cli.toy import sentences, translate, write_config, write_lines
from tests.model.nllb_folder import write_nllb_folder

STYLES = {"plain": "xa", "other": "xb"}
"""Tag, where `plain` is none → the dictionary that the corpus is written with."""


def write_styles(root: Path, count: int) -> list[dict[str, object]]:
    """The same English in two corpora, one of which is tagged and translates it otherwise."""
    for style, dictionary in STYLES.items():
        folder = root / style
        folder.mkdir(parents=True)
        for split, seed in (("train", 1), ("dev", 2), ("test", 3)):
            lines = sentences(count if split == "train" else 30, seed)
            write_lines(folder / f"{split}.en", lines)
            write_lines(folder / f"{split}.az", [translate(line, dictionary) for line in lines])
    plain: dict[str, object] = {"format": "moses", "path": str(root / "plain")}
    return [plain, {"format": "moses", "path": str(root / "other"), "tag": "other", "use": ["train"]}]


def train(root: Path, count: int, steps: int) -> Path:
    length = {"max_steps": steps, "validate_every": steps, "batch_tokens": 256, "sub_batch_tokens": 128}
    model = {"width": 48, "feed_forward": 96, "heads": 4, "dropout": 0.0}
    config = write_config(root / "toy.yaml", root, root / "store", training=length, model=model)
    content = config.read_text()
    data = {"corpora": write_styles(root, count), "directions": ["en-az"], "store": str(root / "store")}
    start, end = content.index("data:"), content.index("model:")
    config.write_text(content[:start] + f"data: {json.dumps(data)}\n" + content[end:])
    assert main(["train", str(config), "--out", str(root / "run")]) == 0
    return root / "run"


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    return train(tmp_path_factory.mktemp("tag"), 60, 3)


def test_translate_and_evaluate_take_a_tag(run, cli, tmp_path):
    write_lines(tmp_path / "in", ["cat", ""])
    for options in ([], ["--tag", "other"]):
        done = cli("translate", run, "--to", "az", "--input", tmp_path / "in", *options)
        assert (done.status, done.out.count("\n")) == (0, 2), done.err
    scores = {}
    for tag in (None, "other"):
        assert cli("evaluate", run, *([] if tag is None else ["--tag", tag])).status == 0
        scores[tag] = json.loads((run / "scores.json").read_text())
        assert scores[tag]["evaluation"]["settings"]["tag"] == tag
    assert scores[None]["en-az"]["nll"] != scores["other"]["en-az"]["nll"]


def test_a_tag_that_the_run_does_not_have(run, cli):
    for command in (["translate", run, "--to", "az"], ["evaluate", run]):
        message = cli(*command, "--tag", "web").message
        assert message.startswith("the vocabulary has no tag 'web' of a corpus; it has other: choose one of them")
    assert "a tag has letters from a to z" in cli("translate", run, "--to", "az", "--tag", "Web").message


def test_a_pre_trained_model_gets_the_token(cli, tmp_path):
    """And a run that starts from that run has it already."""
    write_nllb_folder(tmp_path / "nllb")
    corpora = write_styles(tmp_path, 40)
    for name, base in (("first", tmp_path / "nllb"), ("second", tmp_path / "first" / "best")):
        data = {"corpora": corpora, "directions": ["en-az"], "store": str(tmp_path / "store")}
        training = {"max_steps": 2, "batch_tokens": 64, "precision": "fp32", "threads": 1, "device": "cpu"}
        content = {"data": data, "model": {"pretrained": str(base)}, "training": training}
        (tmp_path / "c.yaml").write_text(json.dumps(content))
        done = cli("train", tmp_path / "c.yaml", "--out", tmp_path / name)
        assert done.status == 0, done.err
        assert ("vocabulary: added: <other>, for tags of corpora" in done.err) == (name == "first")
    sizes = [
        json.loads((tmp_path / name / "best" / "config.json").read_text())["vocab_size"] for name in ("first", "second")
    ]
    assert sizes[0] == sizes[1]
    write_lines(tmp_path / "in", ["cat"])
    done = cli("translate", tmp_path / "second", "--to", "az", "--tag", "other", "--input", tmp_path / "in")
    assert done.status == 0, done.err


@pytest.mark.slow
def test_the_tag_decides_the_style(cli, tmp_path):
    run = train(tmp_path, 1500, 450)
    asked = sentences(20, seed=9)
    write_lines(tmp_path / "in", asked)
    for tag, dictionary in ((None, "xa"), ("other", "xb")):
        options = [] if tag is None else ["--tag", tag]
        found = cli("translate", run, "--to", "az", "--input", tmp_path / "in", *options).out.splitlines()
        words = [word for line in found for word in line.split()]
        assert sum(word.endswith(dictionary[-1]) for word in words) > 0.95 * len(words)
        right = [line == translate(source, dictionary) for line, source in zip(found, asked, strict=True)]
        assert sum(right) > 12, found[:5]
