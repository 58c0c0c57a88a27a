import pytest

from catscale.report import report
from tests.report.fakes import make_comparison

EVIL = "<b>&\"'</script>"


@pytest.fixture(scope="session")
def report_folder(tmp_path_factory):
    """A whole report, written once."""
    folder = tmp_path_factory.mktemp("report")
    comparison = make_comparison(folder / "runs", warnings=[f"careful {EVIL}"])
    report.write_report(comparison, folder, print, title=f"A title {EVIL}", lead=f"A lead {EVIL}")
    return folder


@pytest.fixture
def page_only(monkeypatch):
    """`write_report` without the pictures, which take most of its time, and without the library in the page."""
    monkeypatch.setattr(report, "write_figures", lambda figures, folder, say: None)
    monkeypatch.setattr(report, "load_bundle", lambda: "")
