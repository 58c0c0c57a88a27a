import csv
import io

import pytest

from catscale.errors import CatscaleError
from catscale.report import export
from catscale.report.export import rows_as_csv, write_figures
from catscale.report.figures.all import draw_figures
from catscale.report.figures.figure import Figure, Source
from catscale.report.history import read_runs

from .fakes import make_comparison


@pytest.fixture
def figures(tmp_path):
    comparison = make_comparison(tmp_path / "runs", seeds=1, analysis=False)
    made = draw_figures(Source(comparison, read_runs(comparison)))
    return [figure for figure in made if isinstance(figure, Figure)][:2]


def test_each_figure_is_a_png_an_svg_and_a_csv(tmp_path, figures):
    said = []
    folder = tmp_path / "figures"
    folder.mkdir()
    for kind in ("png", "svg", "csv"):  # of an earlier report
        (folder / f"stale.{kind}").touch()
    write_figures(figures, folder, said.append)
    names = {f"{figure.name}.{kind}" for figure in figures for kind in ("png", "svg", "csv")}
    assert {path.name for path in folder.iterdir()} == names
    assert said == ["drawing 2 figures"]
    for figure in figures:
        png = (folder / f"{figure.name}.png").read_bytes()
        assert png.startswith(b"\x89PNG")
        assert int.from_bytes(png[16:20], "big") > 1500  # pixels across
        assert figure.title in (folder / f"{figure.name}.svg").read_text()
        rows = list(csv.DictReader((folder / f"{figure.name}.csv").open()))
        assert len(rows) == len(figure.rows)
        for found, row in zip(rows, figure.rows, strict=True):
            for key, value in row.items():
                if isinstance(value, float):
                    assert float(found[key]) == pytest.approx(value, rel=1e-5)
                else:
                    assert found[key] == ("" if value is None else str(value))


@pytest.mark.parametrize("name", ["mine.pdf", "mine.png", "nll.png.bak"])
def test_a_folder_of_somebody_else_s_is_not_replaced(tmp_path, figures, name):
    folder = tmp_path / "figures"
    folder.mkdir()
    (folder / name).write_text("precious")
    with pytest.raises(CatscaleError, match=f"figures would be replaced, and holds {name}, which no report wrote"):
        write_figures(figures, folder, print)
    assert (folder / name).read_text() == "precious"


def test_a_csv_quotes_what_needs_it():
    text = rows_as_csv([{"method": 'a,"b"', "x": None}])
    assert list(csv.DictReader(io.StringIO(text))) == [{"method": 'a,"b"', "x": ""}]


def test_without_the_drawing_library_the_error_says_what_to_install(monkeypatch):
    def refuse(name):
        raise ImportError(f"No module named {name}")

    monkeypatch.setattr(export, "import_module", refuse)
    with pytest.raises(CatscaleError, match=r"needs vl-convert-python.*No module named vl_convert.*pip install"):
        export.load_renderer()
