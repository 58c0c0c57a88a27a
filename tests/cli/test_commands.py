"""The commands: which arguments reach the library, and what is printed."""

from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from catscale.cli import commands
from catscale.cli.parser import build_parser
from catscale.errors import ConfigError
from catscale.evaluation.translate import Translation


class Recorder:
    """Stands for a function of the library."""

    def __init__(self, gives: Any = None) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.gives = gives

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        self.calls.append((*arguments, *options.values()))
        return self.gives


@pytest.fixture
def replace(monkeypatch):
    def put(place: str, gives: Any = None) -> Recorder:
        recorder = Recorder(gives)
        monkeypatch.setattr(f"catscale.{place}", recorder)
        return recorder

    return put


def run(*arguments: str) -> list[str]:
    said: list[str] = []
    options = build_parser().parse_args(arguments)
    getattr(commands, f"run_{options.command}")(options, said.append)
    return said


def test_train_makes_a_run_by_the_name_of_its_configuration(replace, capsys):
    load, train = replace("run.config.load_config", "the configuration"), replace("run.commands.train.train")
    run("train", "a/small.yaml", "--set", "training.seed=2")
    assert load.calls[0][:2] == (Path("a/small.yaml"), ["training.seed=2"])
    assert train.calls[0][:2] == ("the configuration", Path("runs/small"))
    run("train", "a/small.yaml", "--out", "elsewhere")
    assert train.calls[1][1] == Path("elsewhere")
    assert capsys.readouterr().out == "runs/small\nelsewhere\n"


def test_only_the_first_process_speaks(replace, monkeypatch, capsys):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    load, _ = replace("run.config.load_config"), replace("run.commands.train.train")
    run("train", "small.yaml")
    assert load.calls[0][2] is None
    assert capsys.readouterr().out == ""


def test_prepare_prints_where_the_store_is(replace, capsys):
    replace("run.config.load_config", SimpleNamespace(data="data", vocabulary="vocabulary"))
    prepare = replace("data.preparation.prepare.prepare", SimpleNamespace(folder="stores/0123"))
    run("prepare", "small.yaml", "--jobs", "3")
    assert prepare.calls[0][:2] == ("data", "vocabulary")
    assert 3 in prepare.calls[0]
    assert capsys.readouterr().out == "stores/0123\n"


def test_evaluate_scores_each_split_once(replace):
    evaluate, shown = replace("run.commands.evaluate.evaluate"), replace("report.terminal_table.print_scores")
    run("evaluate", "r", "--split", "dev", "--split", "test", "--split", "dev", "--directions", "en-az, en-be,")
    assert [call[1] for call in evaluate.calls] == [call[1] for call in shown.calls] == ["dev", "test"]
    assert evaluate.calls[0][-2:] == (["en-az", "en-be"], "best")
    run("evaluate", "r", "--model", "ema")
    assert (evaluate.calls[-1][1], evaluate.calls[-1][-2:]) == ("test", (None, "ema"))


def test_analyze_writes_its_options_as_settings_before_those_of_set(replace):
    analyze = replace("run.commands.analyze.analyze", [])
    run("analyze", "r", "--top", "3", "--split", "dev", "--groups", "--directions", "en-az,en-be", "--steps", "all",
        "--set", "analysis.top=4")  # fmt: skip
    assert analyze.calls[0][:4] == (
        Path("r"), "all",
        ["analysis.split=dev", "analysis.top=3", "analysis.groups=True", 'analysis.directions=["en-az", "en-be"]',
         "analysis.top=4"],
        None,
    )  # fmt: skip
    run("analyze", "r")
    assert analyze.calls[1][2] == []
    with pytest.raises(
        ConfigError, match=r"takes settings of analysis, as in analysis\.tokens=512; found 'training\.s"
    ):
        run("analyze", "r", "--set", "training.seed=2")


@contextmanager
def two_lines(path, together):
    assert together >= 2
    yield iter([["one", "two"]])


def test_translate_prints_rows_or_writes_them(replace, monkeypatch, capsys, tmp_path):
    found = [[Translation("a\tb", -1.5), Translation("c", -2.0)], [Translation("d", -0.25)]]
    replace("run.commands.translate.translate", found)
    monkeypatch.setattr("catscale.cli.lines_in.open_lines", two_lines)
    run("translate", "r", "--to", "az", "--input", "x", "--n-best", "2", "--scores")
    expected = "1\t-1.5000\ta b\n1\t-2.0000\tc\n2\t-0.2500\td\n"
    assert capsys.readouterr().out == expected
    run("translate", "r", "--to", "az", "--input", "x", "--n-best", "2", "--output", str(tmp_path / "out"))
    assert (tmp_path / "out").read_text() == expected
    assert capsys.readouterr().out == ""


def test_a_sweep_of_one_run_is_not_compared(replace):
    replace("run.config.load_config", "the configuration")
    compare, shown = replace("run.commands.compare.compare"), replace("report.terminal_table.print_comparison")
    made = [SimpleNamespace(folder=Path(name), config=SimpleNamespace(model="the same")) for name in "ab"]
    sweep = replace("run.commands.sweep.sweep", made[:1])
    assert run("sweep", "small.yaml", "--methods", "cats", "--seeds", "4", "5") == []
    assert sweep.calls[0][:5] == ("the configuration", ["cats"], [4, 5], Path("sweeps/small"), None)
    assert compare.calls == []
    sweep.gives = made
    assert run("sweep", "small.yaml", "--methods", "cats", "--out", "s") == ["report: s/report.html"]
    assert compare.calls[0][:2] == ([Path("a"), Path("b")], Path("s"))
    assert len(shown.calls) == 1


def test_compare_asks_what_was_asked(replace):
    compare, shown = replace("run.commands.compare.compare"), replace("report.terminal_table.print_comparison")
    forgotten = replace("report.forgetting_tables.print_forgetting")
    said = run("compare", "a", "b", "--baseline", "T=5", "--metric", "nll", "--split", "dev", "--resamples", "70")
    (runs, out, question, _, names), (_, metric) = compare.calls[0], shown.calls[0]
    assert names == {}
    assert forgotten.calls == [(None, "nll")]
    assert (runs, out, metric, said) == (
        [Path("a"), Path("b")], Path("comparison"), "nll", ["report: comparison/report.html"],
    )  # fmt: skip
    assert (question.split, question.baseline, question.resamples, question.seed) == ("dev", "T=5", 70, 1)


def test_completion_is_a_script(capsys):
    run("completion", "bash")
    assert "catscale" in capsys.readouterr().out
