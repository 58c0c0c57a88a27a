import csv
import io
import subprocess
import sys
from types import SimpleNamespace

import pytest

from catscale.errors import CatscaleError
from catscale.report import export
from catscale.report.export import rows_as_csv, write_figures
from catscale.report.figures.all import draw_figures
from catscale.report.figures.figure import Figure, Source
from catscale.report.history import read_runs
from tests.report.fakes import make_comparison


@pytest.fixture
def figures(tmp_path):
    comparison = make_comparison(tmp_path / "runs", seeds=1, analysis=False)
    made = draw_figures(Source(comparison, read_runs(comparison)))
    return [figure for figure in made if isinstance(figure, Figure)][:2]


def test_each_figure_is_a_png_an_svg_and_a_csv(tmp_path, figures):
    said: list[str] = []
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


def test_a_limit_of_addresses_in_which_the_engine_aborts_is_refused(monkeypatch):
    monkeypatch.setattr(export, "addresses_left", lambda: 40 << 30)
    with pytest.raises(CatscaleError, match=r"reserves 65 GiB of addresses .* and ulimit -v leaves 40; raise it"):
        export.load_renderer()
    monkeypatch.setattr(export, "addresses_left", lambda: None)
    assert export.load_renderer().vegalite_to_svg


@pytest.mark.skipif(sys.platform != "linux", reason="a limit of address space")
def test_what_the_engine_reserves():
    """The bound is the engine's own need: a little more suffices."""
    program = (
        "import resource\n"
        "from catscale.report import export\n"
        "from catscale.system.memory import addresses_left\n"
        "import vl_convert\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + export.RESERVED + (1 << 28),) * 2)\n"
        "spec = {'mark': 'point', 'data': {'values': [{'a': 1}]}, 'encoding': {'x': {'field': 'a'}}}\n"
        "print(export.load_renderer().vegalite_to_svg(spec, vl_version=export.VEGA_LITE)[:4])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "<svg\n"), done.stderr[-500:]


def test_a_figure_that_cannot_be_drawn_is_named(tmp_path, figures, monkeypatch):
    def fail(*arguments, **options):
        raise ValueError("conversion failed:\nreceiver is gone")

    monkeypatch.setattr(export, "load_renderer", lambda: SimpleNamespace(vegalite_to_svg=fail))
    message = rf"the figure {figures[0].name} cannot be drawn \(conversion failed: receiver is gone\); check the limits"
    with pytest.raises(CatscaleError, match=message):
        write_figures(figures, tmp_path / "figures", print)
    assert not (tmp_path / "figures").exists()
