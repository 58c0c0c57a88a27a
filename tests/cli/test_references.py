"""Several references and TER, from the corpus to the comparison."""

import json
from pathlib import Path

import pytest
from sacrebleu.metrics import BLEU, CHRF, TER

from catscale.cli.main import main
from catscale.data.direction import Direction
from catscale.data.store.store import Store
from tests.cli.toy import pairs, write_config, write_corpus, write_lines

STEPS = ("--set", "training.max_steps=16")
TER_TOO = ("--set", "evaluation.ter=true")


def other_references(language: str = "xa") -> list[list[str]]:
    """The words in another order, and every third line with one."""
    known = [target for _, target in pairs(language, "test", 40)]
    return [
        [" ".join(reversed(line.split())) for line in known],
        ["" if n % 3 else line.upper() for n, line in enumerate(known)],
    ]


def write_references(folder: Path, language: str = "xa") -> None:
    for number, lines in enumerate(other_references(language), 1):
        write_lines(folder / f"test.{language}.{number}", lines)


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> list[Path]:
    """Two runs, of which en-xa has three references and en-xb one, evaluated with TER."""
    root = tmp_path_factory.mktemp("references")
    corpus = write_corpus(root / "corpus", "moses", {"xa": 300, "xb": 100})
    write_references(corpus / "en-xa")
    config = write_config(root / "toy.yaml", corpus, root / "store", evaluation={"max_length": 12})
    made = []
    for seed in (1, 2):
        run = root / f"run-{seed}"
        assert main(["train", str(config), "--out", str(run), *STEPS, "--set", f"training.seed={seed}"]) == 0
        assert main(["evaluate", str(run), *TER_TOO]) == 0
        made.append(run)
    return made


def read(run: Path, ending: str, direction: str = "en-xa") -> list[str]:
    return (run / "translations" / f"test.{direction}.{ending}").read_text().split("\n")[:-1]


def test_scores_are_sacrebleu_s_over_all_references(runs):
    scores = json.loads((runs[0] / "scores.json").read_text())
    hypotheses, known, more = read(runs[0], "hyp"), read(runs[0], "ref"), other_references()
    assert [read(runs[0], "ref.1"), read(runs[0], "ref.2")] == more
    streams = [known, *([line or None for line in lines] for lines in more)]
    for name, metric in (("bleu", BLEU()), ("chrf", CHRF()), ("ter", TER())):
        expected = metric.corpus_score(hypotheses, streams).score
        assert scores["en-xa"][name]["score"] == pytest.approx(expected)
        assert scores["en-xa"][name]["signature"] == str(metric.get_signature())
        assert scores["en-xa"][name]["signature"].startswith("nrefs:var")
        assert scores["en-xb"][name]["signature"].startswith("nrefs:1")
        both = [scores[direction][name]["score"] for direction in ("en-xa", "en-xb")]
        assert scores["averages"]["all"][name] == pytest.approx(sum(both) / 2)
    assert not (runs[0] / "translations" / "test.en-xb.ref.1").exists()


def test_the_comparison_has_them_too(runs, cli, tmp_path):
    done = cli("compare", *runs, "--out", tmp_path / "out", "--metric", "ter", "--force")
    assert done.status == 0, done.err
    assert "TER on the test set" in done.out
    found = json.loads((tmp_path / "out" / "comparison.json").read_text())
    rows = {(row["metric"], row["over"]): row["values"] for row in found["rows"]}
    scores = [json.loads((run / "scores.json").read_text()) for run in runs]
    for metric in ("bleu", "chrf", "ter"):
        for over in ("en-xa", "en-xb"):
            assert rows[metric, over] == pytest.approx([score[over][metric]["score"] for score in scores])
    assert found["signatures"]["ter"]["en-xa"] == scores[0]["en-xa"]["ter"]["signature"]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "TER, lower is better" in page


def test_a_run_without_ter_is_named(runs, cli, tmp_path):
    assert cli("evaluate", runs[1]).status == 0
    try:
        assert not list((runs[1] / "translations").glob("*.ter"))
        done = cli("compare", *runs, "--out", tmp_path / "out", "--metric", "ter", "--force")
        assert done.status == 2
        assert (
            f"no TER: {runs[1]} were evaluated without it; evaluate with --set 'evaluation.metrics=[bleu,chrf,ter]'"
            in done.message
        )
    finally:
        assert cli("evaluate", runs[1], *TER_TOO).status == 0


def test_references_numbered_from_0_and_pairs_that_are_dropped(cli, tmp_path):
    corpus = write_corpus(tmp_path / "corpus", "moses", {"xa": 100})
    folder = corpus / "en-xa"
    lines = (folder / "test.xa").read_text().split("\n")[:-1]
    write_lines(folder / "test.xa.0", ["", *lines[1:]])  # a pair with an empty side is dropped
    (folder / "test.xa").unlink()
    write_lines(folder / "test.xa.1", [f"r{n}" for n in range(40)])
    write_lines(folder / "test.xa.3", ["no second one, so no third"])
    config = write_config(tmp_path / "toy.yaml", corpus, tmp_path / "store")
    done = cli("prepare", config)
    assert done.status == 0, done.err
    split = Store.open(Path(done.out.strip())).split("test", Direction("en", "xa"))
    assert split.target_text() == lines[1:]
    assert split.further_references() == [[f"r{n}" for n in range(1, 40)]]
    write_lines(folder / "test.xa.1", [f"s{n}" for n in range(40)])
    again = cli("prepare", config)
    assert again.out != done.out  # another reference is another store


@pytest.mark.parametrize(("count", "message"), [(39, "fewer: line 40 has no line"), (41, "more: line 41 has no pair")])
def test_references_that_are_too_few_or_too_many(cli, tmp_path, count, message):
    corpus = write_corpus(tmp_path / "corpus", "moses", {"xa": 100})
    write_lines(corpus / "en-xa" / "test.xa.1", ["x"] * count)
    done = cli("prepare", write_config(tmp_path / "toy.yaml", corpus, tmp_path / "store"))
    assert done.status == 2
    assert "test.xa.1 must have a line for each pair of the test split of en-xa, and has " + message in done.message
