"""The page: complete, escaped, in need of nothing else."""

import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from catscale.errors import CatscaleError
from catscale.report import report
from catscale.report.encode import encode_rows, escape_script
from catscale.report.provenance import find_differing
from catscale.report.report import load_bundle, write_report
from catscale.settings.dotted import flatten
from tests.report.conftest import EVIL
from tests.report.fakes import METHODS, make_comparison
from tests.report.test_published import RELATED, comparison_of

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Page(HTMLParser):
    """Elements with their attributes, texts outside scripts, and whether every tag is closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open: list[str] = []
        self.elements, self.texts, self.data = [], [], ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "script" not in self.open and "style" not in self.open:
            self.texts.append(data)
        elif self.elements[-1][1].get("id") == "report-data":
            self.data += data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def page(report_folder):
    return Page((report_folder / "report.html").read_text(encoding="utf-8"))


def test_the_page_is_small_and_needs_nothing_else(report_folder, page):
    assert (report_folder / "report.html").stat().st_size < 6e6
    for _, attributes in page.elements:
        for key in ("src", "href", "data", "action", "srcset"):
            assert key not in attributes or attributes[key].startswith("figures/")
    text = (report_folder / "report.html").read_text(encoding="utf-8")
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    assert "url(" not in style
    assert "@import" not in style
    (policy,) = [m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")


def test_texts_are_escaped(page):
    assert f"A title {EVIL}" in page.texts
    assert f"A lead {EVIL}" in page.texts
    assert f"careful {EVIL}" in page.texts


def test_every_figure_has_a_place_a_text_and_its_files(report_folder, page):
    data = json.loads(page.data)
    names = [figure["name"] for figure in data["figures"]]
    assert [attributes["id"] for attributes in page.all("figure")] == [f"figure-{name}" for name in names]
    plots = [attributes for attributes in page.all("div") if attributes.get("class") == "plot"]
    assert len(plots) == len(names)
    assert all(plot["role"] == "img" and len(plot["aria-label"]) > 40 for plot in plots)
    links = [link["href"] for link in page.all("a")]
    assert len(links) == 3 * len(names)
    assert all((report_folder / link).is_file() for link in links)


def test_verdict_baseline_and_marks_are_explained(page):
    text = " ".join(page.texts)
    for part in ("CATS gains 1.1 BLEU", "the temperature with the best validation NLL", "▲ significantly better", "24"):
        assert part in text


def test_tables_are_headed_and_their_cells_belong_to_methods(page):
    assert all(cell.get("scope") in ("col", "row") for cell in page.all("th"))
    methods = {cell["data-method"] for cell in page.all("td") if "data-method" in cell}
    assert methods == {"0", "1", "2", "3"}
    chips = [box for box in page.all("input") if box["type"] == "checkbox"]
    assert [chip["value"] for chip in chips] == ["0", "1", "2", "3"]


def test_scores_are_in_the_table_with_difference_and_mark(page):
    text = " ".join(page.texts)
    assert re.search(r"29\.0 ± 0\.4\s+\+6\.0 ± 0\.4 \[\+4\.8, \+7\.2\]\s+▲", text)
    assert re.search(r"2\.550 ± 0\.010\s+−0\.300 ± 0\.010 \[−0\.330, −0\.270\]\s+▲", text)  # a lower NLL is better


def test_size_steps_tokens_and_date_come_first_then_the_verdict_and_the_paper(page):
    text = " ".join(page.texts)
    places = [text.index(part) for part in ("Steps", "800", "Target tokens", "1,600,000", "Date", "4 × 2 seeds")]
    places += [text.index(part) for part in ("8 directions, test set, 300 sentences each", "CATS gains 1.1 BLEU")]
    places += [
        text.index("Li and Gong, Robust Optimization for Multilingual Translation with Imbalanced Data, NeurIPS")
    ]
    assert places == sorted(places)
    assert re.search(r"Date\s+20\d\d-\d\d-\d\d", text)


def test_training_time_and_speed_are_told(page):
    text = " ".join(page.texts)
    assert re.search(r"Training\s+The table scrolls sideways →.*T=1\s+–\s+800\s+–\s+1,600,000\s+80 s\s+–\s+–", text)


def test_wide_tables_say_that_they_scroll(page):
    hints = [p for p in page.all("p") if p.get("class") == "hint"]
    regions = [div for div in page.all("div") if div.get("class") == "scroll"]
    assert len(hints) == len(regions) - 1 >= 5  # the table of runs has four columns


def test_what_is_not_shown_is_one_list_at_the_end(page):
    text = " ".join(page.texts)
    assert text.count("Not shown") == 1
    assert text.index("How it was made") < text.index("Not shown") < text.index("Learnt sampling probabilities")
    assert "The paper's scores beside ours: the data are not those of one of its benchmarks" in text


def test_folders_and_what_all_runs_share_are_said_once(report_folder, page):
    text = " ".join(page.texts)
    assert text.count(str(report_folder)) == 1
    assert f"Folders are below {report_folder / 'runs'}." in text
    assert "m0/seed-1, seed-2" in text
    assert text.count("All runs: commit abc123.") == 1


def test_with_one_seed_nothing_is_marked_and_it_is_said(tmp_path, page_only):
    comparison = make_comparison(tmp_path / "runs", seeds=1, analysis=False)
    rows = [
        replace(row, difference=row.difference and replace(row.difference, significant=False))
        for row in comparison.rows
    ]
    write_report(replace(comparison, rows=rows), tmp_path, print)
    text = " ".join(Page((tmp_path / "report.html").read_text(encoding="utf-8")).texts)
    assert "No difference is marked: one seed decides nothing" in text
    assert "No dot is filled, for one seed decides nothing" in text
    assert "▲" not in text
    assert "▼" not in text


def test_what_is_missing_is_named_with_the_way_to_get_it(tmp_path, page_only):
    comparison = make_comparison(tmp_path / "runs", methods={"T=1": 1.0}, seeds=1, analysis=False)
    write_report(comparison, tmp_path, print)
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "catscale analyze RUN --steps all" in page.texts
    assert any("Curvature over time" in text for text in page.texts)


def test_names_of_methods_can_hold_anything(tmp_path, page_only):
    comparison = make_comparison(tmp_path / "runs", methods={EVIL: None, "T=1": 1.0}, seeds=1, analysis=False)
    write_report(comparison, tmp_path, print)
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert json.loads(page.data)["methods"][0] == EVIL
    assert any(EVIL in text for text in page.texts)
    assert "b" not in {name for name, _ in page.elements}


def test_the_papers_numbers_stand_beside_ours(tmp_path, page_only):
    comparison = comparison_of(tmp_path / "runs", RELATED)
    write_report(comparison, tmp_path, print)
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    text = " ".join(page.texts)
    assert "TED-8 related (table 2)" in text
    assert "CATS, paper" in text
    assert "T=5 + CATS, ours" in text
    assert "16.3*" in text


def test_configuration_versions_commit_and_signatures_are_there(page):
    text = " ".join(page.texts)
    for part in ("abc123", "sampling.temperature = 5.0", "packages.torch: 2.13.0", "nrefs:1|case:mixed", "seed 12345"):
        assert part in text


def test_the_data_are_a_csv_too(report_folder):
    rows = list(csv.DictReader((report_folder / "data.csv").open()))
    assert [row["direction"] for row in rows][:2] == ["en-be", "en-az"]
    assert sum(float(row["share"]) for row in rows) == pytest.approx(1)
    assert {f"drawn by {name}" for name in METHODS} <= rows[0].keys()


def test_a_bundle_that_would_end_its_script_is_refused(monkeypatch):
    class Renderer:
        def javascript_bundle(self, vl_version):
            return 'x = "</SCRIPT>"'

    monkeypatch.setattr(report, "load_renderer", Renderer)
    with pytest.raises(CatscaleError, match=r"JavaScript holds `</script`.*use version"):
        load_bundle()


def test_rows_survive_their_encoding():
    rows = [{"m": "a", "x": 1, "y": None}, {"m": "b", "x": 2.5, "y": 3}, {"m": "a", "x": 1, "y": 4}]
    table = encode_rows(rows)
    columns = {
        key: [column["levels"][code] for code in column["codes"]] if isinstance(column, dict) else column
        for key, column in table["columns"].items()
    }
    assert [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)] == rows
    assert encode_rows([]) == {"length": 0, "columns": {}}


def test_json_cannot_end_its_script():
    text = json.dumps(f"<!-- {EVIL} \u2028", ensure_ascii=False)
    assert "<" not in escape_script(text)
    assert json.loads(escape_script(text)) == f"<!-- {EVIL} \u2028"


def test_settings_that_differ_are_named():
    first = flatten({"a": {"b": 1, "c": []}, "training": {"seed": 1}})
    other = flatten({"a": {"b": 2, "c": []}, "training": {"seed": 2}, "d": {}})
    assert find_differing(first, other) == ["a.b = 2", "d = {}"]
