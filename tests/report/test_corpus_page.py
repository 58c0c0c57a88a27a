"""The statistics of a corpus on the terminal, as a page and as files."""

import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from catscale.corpus_statistics.corpus import sum_up
from catscale.corpus_statistics.examples import Example
from catscale.corpus_statistics.split import Block, SplitCounter
from catscale.data import CleaningConfig, Direction
from catscale.errors import CatscaleError
from catscale.report.corpus_page import assemble_page, write_statistics
from catscale.report.corpus_tables import Grid, make_grids
from catscale.report.corpus_terminal import BAR, divide, draw_bar, drop_clear, print_statistics, take_apart
from catscale.report.figures.train_pairs import choose_ticks, train_pairs

EN_RU = [("a b", "ж"), ("a b", "ж"), ("x", "X"), ("", "ж"), ("\x07b", "жж жж жж")]


def make_statistics(pieces=False, most=100, notes=()):
    figures = {}
    for code, repeats in (("ru", 1), ("xx", 400)):
        direction = Direction("en", code)
        counter = SplitCounter(direction, CleaningConfig(max_length=2), most)
        lengths = np.arange(5) + 1
        for _ in range(repeats):
            counter.add(Block(EN_RU, (lengths, 2 * lengths) if pieces else None))
        figures[direction] = {"train": counter.figures()}
    return sum_up("corpora/<my> corpus", "moses", "v.model" if pieces else None, list(notes), figures)


def row_of(grid, direction):
    (row,) = [row for rows in grid.groups for row in rows if row[0] == direction]
    return dict(zip(grid.head, row, strict=True))


def test_tables_say_what_was_counted():
    words, characters, pieces, faults = make_grids(make_statistics(pieces=True))
    row = row_of(words, "en-ru")
    assert (row["pairs"], row["source words"], row["target words"], row["target / source"]) == ("4", "6", "6", "1.00")
    assert row["length of a target"] == "1.5 / 1 / 3 / 3"
    assert row_of(characters, "en-ru")["source characters"] == "9"
    assert row_of(pieces, "en-ru")["length of a target"] == "5.5 / 5 / 10 / 10"
    row = row_of(faults, "en-ru")
    assert (row["empty"], row["equal pairs"], row["equal sources"]) == ("1 (20.0%)", "1 (25.0%)", "1 (25.0%)")
    assert (row["untranslated"], row["in train"], row["control"]) == ("1 (25.0%)", "–", "1 (25.0%)")
    assert (row["wrong script, source"], row["wrong script, target"]) == ("0%", "11.1%, 1 line")
    assert (row["too long"], row["unbalanced"]) == ("1 (25.0%)", "0")
    assert row_of(faults, "en-xx")["wrong script, target"] == "–"


def test_without_a_vocabulary_there_is_no_table_of_pieces():
    assert [grid.title.split(" (")[0] for grid in make_grids(make_statistics())] == [
        "Sizes and lengths in words",
        "Sizes and lengths in characters",
        "What may be wrong",
    ]


def test_an_estimate_is_marked_and_noted():
    statistics = make_statistics(most=1)
    assert row_of(make_grids(statistics)[-1], "en-ru")["equal pairs"].startswith("≈ ")
    assert statistics.notes == ["duplicates are estimated on a sample of the distinct lines in en-ru, en-xx"]


def test_the_terminal_has_tables_bars_and_entropies(capsys):
    print_statistics(make_statistics(notes=["a note"]))
    shown = capsys.readouterr().out
    assert "in characters" not in shown
    assert "en-xx" in shown
    assert "logarithmic scale, 1 to 1,600" in shown
    line = next(line for line in shown.splitlines() if "1,600" in line and "█" in line)
    assert line.count("█") == BAR
    sentence = "1,604 train pairs in 2 directions; largest : smallest 400.0; entropy of the shares 0.02 nats"
    assert sentence in " ".join(shown.split())
    assert "nothing in any split: in train" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert shown.endswith("note: a note\n")


def test_a_table_too_wide_is_divided_and_loses_nothing():
    head = ["direction", "split", *(f"a long header {n}" for n in range(9))]
    rows = [[["en-xx", split, *(f"{n * 1111:,}" for n in range(9))] for split in ("train", "dev")]]
    parts = divide(Grid("Title (units)", head, rows), 50)
    assert [part.title for part in parts] == ["Title (units)", "Title, continued", "Title, continued"]
    assert [text for part in parts for text in part.head[2:]] == head[2:]
    assert [cell for part in parts for cell in part.groups[0][1][2:]] == rows[0][1][2:]
    assert all(part.groups[0][1][:2] == ["en-xx", "dev"] for part in parts)
    assert len(divide(Grid("Title", head, rows), 200)) == 1


def test_sizes_and_lengths_are_taken_apart_where_they_are_too_wide():
    words = make_grids(make_statistics())[0]
    assert take_apart(words, 200) == [words]
    sizes, lengths = take_apart(words, 70)
    assert sizes.title == "Sizes in words"
    assert lengths.title == "Lengths in words (mean / median / 95th percentile / longest)"
    assert sizes.head[2:] + lengths.head[2:] == words.head[2:]


def test_what_was_not_found_takes_no_room():
    head = ["direction", "split", "empty", "control", "in train"]
    grid = Grid("t", head, [[["en-a", "train", "0", "1 (<0.1%)", "–"], ["en-a", "dev", "0", "0", "–"]]])
    found, clear = drop_clear(grid)
    assert (found.head, found.groups) == (["direction", "split", "control"], [[["en-a", "train", "1 (<0.1%)"]]])
    assert clear == ["empty", "in train"]


def test_the_page_shows_lines_with_their_file_and_number():
    """An entry of the user's own folder, of any text."""
    statistics = make_statistics()
    split = statistics.directions["en-ru"]["train"]
    example = Example("untranslated", "corpora/<my> corpus/train.ru", 17, "x <b>\x1b[31m", "X" * 150)
    statistics.directions["en-ru"]["train"] = replace(split, examples=(example,))
    page = assemble_page(statistics, train_pairs(statistics.balance))
    assert "<h3>untranslated: the target is the source</h3>" in page
    assert '<th scope="row">train.ru:17</th><td class=long>x &lt;b&gt;\\x1b[31m</td>' in page
    assert "X" * 150 in page
    assert "Lines that show it" not in assemble_page(make_statistics(), train_pairs(statistics.balance))


@pytest.mark.parametrize("width", [80, 40])
def test_examples_on_a_terminal_of_any_width(capsys, monkeypatch, width):
    """A line that is counted as faulty is shown with its file and number, and nothing of it acts on the terminal."""
    monkeypatch.setenv("COLUMNS", str(width))
    statistics = make_statistics()
    example = Example("untranslated", "corpora/<my> corpus/train.ru", 17, "x \x1b[31m", "[red]X" + "y" * 80)
    split = statistics.directions["en-ru"]["train"]
    statistics.directions["en-ru"]["train"] = replace(split, examples=(example,))
    print_statistics(statistics)
    shown = capsys.readouterr().out
    assert "untranslated, for example (the target is the source):\n  train.ru:17\n" in shown
    assert "“x \\x1b[31m”" in shown
    assert "“[red]Xyyy" in shown
    assert "\x1b" not in shown
    assert statistics.as_json()["directions"]["en-ru"]["train"]["examples"][0]["line"] == 17
    sentence = next(line for line in shown.splitlines() if line.startswith("1,604 train pairs"))
    assert len(sentence) <= width


@pytest.mark.parametrize(("length", "bar"), [(0, ""), (1, "█" * BAR), (0.5, "█" * (BAR // 2)), (1.125 / BAR, "█▏")])
def test_a_bar_is_as_long_as_its_number(length, bar):
    assert draw_bar(length) == bar


def test_ticks_are_powers_of_ten_and_threes_where_they_are_few():
    assert choose_ticks(1, 10) == [1, 3, 10]
    assert choose_ticks(100, 10_000_000) == [100, 1000, 10_000, 100_000, 1_000_000, 10_000_000]


def test_files_hold_the_statistics_and_the_page_needs_nothing_else(tmp_path):
    statistics = make_statistics(pieces=True, notes=["see <this>"])
    said: list[str] = []
    write_statistics(statistics, tmp_path, said.append)
    assert json.loads((tmp_path / "stats.json").read_text()) == json.loads(json.dumps(statistics.as_json()))
    rows = list(csv.DictReader((tmp_path / "figures" / "train-pairs.csv").open()))
    assert [(row["direction"], int(row["pairs"])) for row in rows] == [("en-ru", 4), ("en-xx", 1600)]
    assert (tmp_path / "figures" / "train-pairs.png").read_bytes().startswith(b"\x89PNG")
    assert "var(--" not in (tmp_path / "figures" / "train-pairs.svg").read_text()
    page = (tmp_path / "stats.html").read_text()
    assert "see &lt;this&gt;" in page
    assert "Statistics of &lt;my&gt; corpus" in page
    assert not re.search(r"<script|<my>|<xx>|https?://(?!www\.w3\.org/)", page)
    assert page.count("<table>") == 4


def test_the_page_s_picture_takes_its_colours_from_the_style_sheet():
    statistics = make_statistics()
    page = assemble_page(statistics, train_pairs(statistics.balance))
    picture = page[page.index("<svg") : page.index("</svg>")]
    assert 'fill="var(--series-1)"' in picture
    assert "#" not in re.sub(r"url\(#[^)]*\)", "", picture)


def test_a_folder_of_figures_of_somebody_else_s_is_not_replaced(tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "mine.pdf").touch()
    with pytest.raises(CatscaleError, match=r"holds mine\.pdf, which no report wrote"):
        write_statistics(make_statistics(), tmp_path, print)


def test_the_figure_tells_its_numbers_and_that_it_is_logarithmic():
    figure = train_pairs(make_statistics().balance)
    assert "logarithmic" in figure.caption
    assert figure.alt.endswith("from en-ru with 4 to en-xx with 1,600.")
    assert [row["label"] for row in figure.rows] == ["4", "1,600"]
    assert figure.spec["layer"][0]["encoding"]["x"]["scale"]["type"] == "log"
