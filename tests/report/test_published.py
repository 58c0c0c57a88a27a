import re
from dataclasses import replace

import pytest

from catscale.comparison.result import ComparedDirection
from catscale.report.document import _published
from catscale.report.html_tables import write_published_table
from catscale.report.published import find_published, shorten_code
from tests.report.fakes import make_comparison

RELATED = {"be": 4500, "az": 5900, "gl": 10000, "sk": 61500, "cs": 103000, "tr": 182000, "pt": 185000, "ru": 208000}
DIVERSE = {
    "bos": 5600, "mar": 9800, "hin": 18800, "mkd": 25300, "ell": 134000, "bul": 174000, "fra": 192000, "kor": 205000,
}  # fmt: skip
WMT = {"kk": 1e5, "vi": 1e5, "tr": 2e5, "ja": 2e5, "nl": 2e5, "it": 3e5, "ar": 3e5, "ro": 6e5, "hi": 8e5, "de": 27.8e6}


def comparison_of(tmp_path, sizes, pattern="en-{}"):
    directions = [ComparedDirection(pattern.format(code), round(size), "low", 100) for code, size in sizes.items()]
    return replace(make_comparison(tmp_path, seeds=1, analysis=False), directions=directions)


def names(tmp_path, sizes, pattern="en-{}"):
    return [(table.name, table.table) for table in find_published(comparison_of(tmp_path, sizes, pattern))]


def test_benchmarks_are_recognised_by_languages_and_sizes(tmp_path):
    assert names(tmp_path / "a", RELATED) == [("TED-8 related", 2)]
    assert names(tmp_path / "b", DIVERSE, "eng-{}") == [
        ("TED-8 diverse", 2),
        ("TED-8 diverse, layer normalisation", 5),
    ]
    assert names(tmp_path / "c", WMT) == [("WMT-10", 3)]


def test_opus_100_is_recognised_by_number_and_total(tmp_path):
    many = {f"x{i:02}": (5e4, 1e6, 5e5)[i % 3] for i in range(94)}
    assert names(tmp_path / "a", many) == [("OPUS-100", 4)]
    (table,) = find_published(comparison_of(tmp_path / "b", many))
    assert {key: len(names) for key, names in table.columns.items()} == {"low": 32, "mid": 31, "high": 31, "all": 94}
    assert table.rows["CATS"]["low"] == 28.1


@pytest.mark.parametrize(
    "change",
    [
        {code: size / 40 for code, size in RELATED.items()},
        RELATED | {"be": 4500 * 2.1},
        RELATED | {"uk": 100000},
        {code: size for code, size in RELATED.items() if code != "be"},
    ],
)
def test_other_sizes_or_languages_are_no_benchmark(tmp_path, change):
    assert names(tmp_path, change) == []


def test_the_dev_set_is_not_beside_the_paper_s_test_sets(tmp_path):
    assert find_published(replace(comparison_of(tmp_path, RELATED), split="dev")) == []


def test_many_to_one_is_no_benchmark_of_one_to_many(tmp_path):
    assert names(tmp_path, RELATED, "{}-en") == []


def test_columns_are_our_directions_in_the_papers_order(tmp_path):
    (table,) = find_published(comparison_of(tmp_path, RELATED))
    assert list(table.columns) == [*["aze", "bel", "slk", "glg", "por", "rus", "ces", "tur"], "low", "all"]
    assert table.columns["aze"] == ["en-az"]
    assert table.columns["low"] == ["en-az", "en-be", "en-sk", "en-gl"]
    assert len(table.columns["all"]) == 8
    assert table.rows["CATS"]["bel"] == 11.7
    assert "NeurIPS 2021" in table.source


def test_our_averages_are_over_the_papers_groups(tmp_path):
    comparison = comparison_of(tmp_path, WMT)  # of our groups, or of what was measured, nothing is used
    row = make_comparison(tmp_path / "b", seeds=1, analysis=False).row("bleu", "en-be", "T=1")
    values = {code: float(index) for index, code in enumerate(WMT)}
    rows = [replace(row, over=f"en-{code}", mean=value) for code, value in values.items()]
    comparison = replace(comparison, rows=[*rows, replace(rows[0], method="T=5")])
    (table,) = find_published(comparison)
    html = write_published_table(table, comparison)
    ours = re.search(r">T=1, ours</th>(.*?)</tr>", html)[1]
    cells = re.findall(r">([^<]*)</td>", ours)
    low = sum(values[code] for code in ("kk", "vi", "tr", "ja", "nl", "it", "ar")) / 7
    assert cells == [f"{value:.1f}" for value in [*values.values(), low, 4.5]]
    partly = re.findall(r">([^<]*)</td>", re.search(r">T=5, ours</th>(.*?)</tr>", html)[1])
    assert partly == ["0.0", *["–"] * 11]  # an average of some is no average of all


def test_notes_have_the_tables_own_numbers(tmp_path):
    second, fifth = find_published(comparison_of(tmp_path, DIVERSE))
    weights, rival = second.notes
    assert "balancing: {method: fixed, temperature: T}" in weights
    assert rival.startswith("MultiDDS has 18.2 on all where T=1 has 23.5, far below every other row")
    assert (
        second.rows["MultiDDS"]["all"] < min(row["all"] for name, row in second.rows.items() if name != "MultiDDS") - 3
    )
    (other,) = fifth.notes
    assert "its T=1 has 28.5 on all and 22.8 on low, that of table 2 23.5 and 15.7." in other
    (related,) = find_published(comparison_of(tmp_path / "b", RELATED))
    assert related.notes[1].startswith("MultiDDS has 17.3 on all where T=1 has 20.0")
    (many,) = find_published(comparison_of(tmp_path / "c", WMT))
    assert many.notes == []


def test_notes_stand_under_their_table(tmp_path):
    comparison = comparison_of(tmp_path, DIVERSE)
    second, fifth = tables = find_published(comparison)
    html = _published(tables, comparison)
    parts = html.split("<h3>")[1:]
    for part, table in zip(parts, (second, fifth), strict=True):
        assert part.startswith(f"{table.name} (table {table.table})")
        for note in table.notes:
            assert f'<p class="note">{note}</p>' in part
    hostile = replace(fifth, notes=["<b>bold</b>"])
    assert "&lt;b&gt;bold" in _published([hostile], comparison)


def test_codes():
    assert [shorten_code(code) for code in ("glg", "GL", "pt_BR", "xx")] == ["gl", "gl", "pt", "xx"]
