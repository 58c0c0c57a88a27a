"""CSV that other programs read as it is meant."""

import csv
import io

from catscale.system.console.csv_text import to_csv


def test_cells_come_back_from_a_reader_of_csv() -> None:
    text = to_csv(["a", "b"], [["x,y", 'say "so"'], ["two words", None], ["", 0.5]])
    rows = list(csv.reader(io.StringIO(text)))
    assert rows == [["a", "b"], ["x,y", 'say "so"'], ["two words", ""], ["", "0.5"]]


def test_no_cell_is_a_formula() -> None:
    rows = list(csv.reader(io.StringIO(to_csv(["=A1"], [["@x"], ["=1+1"], [-1.5]]))))
    assert rows == [["'=A1"], ["'@x"], ["'=1+1"], ["-1.5"]]
