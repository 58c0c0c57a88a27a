"""A comparison of runs, and its files."""

import json
from typing import Any

import pytest

from catscale.comparison.compare import Question
from catscale.errors import ConfigError
from catscale.run.comparing import write_comparison
from catscale.run.folder.evaluated import read_run
from tests.comparison.fakes import write_run

SMALL: dict[str, Any] = {"sizes": {"en-az": 500}, "sentences": 10}


@pytest.fixture
def runs(tmp_path):
    write_run(tmp_path / "worse", quality=0.3, **SMALL)
    write_run(tmp_path / "better", quality=0.9, sampling={"temperature": 1}, **SMALL)
    return [read_run(tmp_path / name, "test") for name in ("worse", "better")]


def test_the_files_and_what_they_say(runs, tmp_path):
    said: list[str] = []
    question = Question(resamples=100)
    found = write_comparison(runs, tmp_path / "out", question, said.append, "A title", "A lead.", ["warning: first"])
    assert found.warnings[0] == "warning: first"
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"comparison.json", "comparison.csv", "report.html", "figures"} <= names
    written = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert written["warnings"][0] == "warning: first"
    page = (tmp_path / "out" / "report.html").read_text()
    assert "A title" in page
    assert "A lead." in page
    scores = {row.method: row.mean for row in found.rows if (row.metric, row.over) == ("bleu", "en-az")}
    assert set(scores) == {method.name for method in found.methods} == {"T=5", "T=1"}
    assert scores["T=5"] < 50 < scores["T=1"]  # 30% and 90% of the words are right


def test_a_log_gets_a_line_for_each_direction(runs, tmp_path, capsys):
    write_comparison(runs, tmp_path / "out", Question(resamples=100), lambda line: None)
    assert "compared en-az, 1 of 1 directions\n" in capsys.readouterr().err


def test_a_folder_of_somebody_else_gets_nothing(runs, tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "thesis.tex").touch()
    with pytest.raises(ConfigError, match=r"theirs exists and is not a comparison's folder: it holds 'thesis\.tex'"):
        write_comparison(runs, tmp_path / "theirs", Question(resamples=100), print)
    assert [path.name for path in (tmp_path / "theirs").iterdir()] == ["thesis.tex"]
