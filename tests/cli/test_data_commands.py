"""The subcommands of `catscale data`; `tests/cli/test_data.py` runs them against a web server."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from catscale.cli.data_commands import _directions, _size_of, run_fetch, run_stats
from catscale.cli.parser import build_parser
from catscale.errors import ConfigError
from catscale.recipes.count import CorpusCount
from catscale.recipes.fetch import Fetched
from tests.unchecked import unchecked

RECIPE: Any = SimpleNamespace(
    notes=["read this"], config={"data": {}}, expected=SimpleNamespace(source="a paper", tolerance=2, pairs={"az": 500})
)


def files(*sizes: int | None) -> Any:
    return {str(place): SimpleNamespace(bytes=size) for place, size in enumerate(sizes)}


def test_the_size_of_a_download_and_what_is_known_of_it():
    assert _size_of(files(352_000_000, 1_000_000)) == "353 MB"
    assert _size_of(files(352_000_000, None)) == "over 352 MB"
    assert _size_of(files(None)) == "not known"


def test_directions_are_counted_where_they_are_named():
    count = unchecked(_directions)
    assert count(RECIPE) == 1
    for data, expected in (({"directions": ["en-az", "be-en"]}, 2), ({"targets": ["az", "be", "fr"]}, 3)):
        assert count(SimpleNamespace(config={"data": data}, expected=RECIPE.expected)) == expected


@pytest.fixture
def fetch(monkeypatch):
    """Runs `catscale data fetch` where fetching gives what the test says."""

    def run(counts, missing=(), is_new=True) -> list[str]:
        fetched = Fetched(Path("data/ted"), counts, list(missing), is_new)
        monkeypatch.setattr("catscale.recipes.recipe.load_table", lambda path: "table")
        monkeypatch.setattr("catscale.recipes.fetch.choose", lambda table, name: RECIPE)
        monkeypatch.setattr("catscale.recipes.fetch.fetch", lambda *arguments: fetched)
        said: list[str] = []
        run_fetch(build_parser().parse_args(["data", "fetch", "ted"]), said.append)
        return said

    return run


def test_counts_are_printed_the_smallest_first_with_the_difference(fetch, capsys):
    said = fetch([CorpusCount("fr", 1300, 8, 9, None, None, False), CorpusCount("az", 505, 7, 6, 500, 1.0, False)])
    *table, config = capsys.readouterr().out.splitlines()
    rows = [re.findall(r"[\w.,+%-]+", line) for line in table]
    assert [row for row in rows if row[:1] in (["az"], ["fr"])] == [
        ["az", "505", "500", "+1.0", "%", "7", "6"],
        ["fr", "1,300", "8", "9"],
    ]
    assert config == "data/ted/config.yaml"
    assert said == ["note: read this"]


def test_what_is_off_other_or_missing_is_warned_of(fetch):
    az = CorpusCount("az", 400, 7, 6, 500, -20.0, True, True)
    said = fetch([az], missing=["be"], is_new=False)
    assert said[0] == "data/ted is there and complete; nothing to do"
    assert said[1].startswith("warning: by more than 2 % another number than expected: az; see the notes")
    assert said[2].startswith("warning: other sentence pairs than those on record: az; scores on them")
    assert said[3] == "warning: incomplete, without be: files have to be put there, see above"


def test_statistics_as_json_or_in_a_folder(monkeypatch, capsys, tmp_path):
    given: list[Any] = []
    statistics = SimpleNamespace(as_json=lambda: {"pairs": 3})
    monkeypatch.setattr(
        "catscale.run.commands.data_stats.describe_corpus", lambda *arguments: given.append(arguments) or statistics
    )
    written: list[Any] = []
    monkeypatch.setattr("catscale.report.corpus_page.write_statistics", lambda *arguments: written.append(arguments))
    said: list[str] = []
    arguments = ["data", "stats", "corpus", "--json", "--directions", "en-az, en-be", "--jobs", "2"]
    run_stats(build_parser().parse_args([*arguments, "--out", str(tmp_path / "out")]), said.append)
    assert capsys.readouterr().out == '{\n  "pairs": 3\n}\n'
    assert (given[0][0].path, given[0][0].directions, given[0][1]) == (Path("corpus"), ["en-az", "en-be"], 2)
    assert (written[0][:2], said) == ((statistics, tmp_path / "out"), [f"page: {tmp_path / 'out' / 'stats.html'}"])
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "thesis.tex").touch()
    with pytest.raises(ConfigError, match=r"theirs exists and is not .*: it holds 'thesis\.tex'"):
        run_stats(build_parser().parse_args([*arguments, "--out", str(tmp_path / "theirs")]), said.append)
    assert len(given) == 1  # refused before the corpus is read
