"""The demo, whole but short."""

import json

import pytest


@pytest.mark.slow
def test_demo(cli, tmp_path):
    done = cli("demo", "--out", tmp_path / "out", "--steps", "6", "--languages", "az=5900,pt=60000")
    assert done.status == 0
    for name in ("T=1", "T=5", "cats_sampling"):
        scores = json.loads((tmp_path / "out" / name / "seed-1" / "scores.json").read_text())
        assert {"en-az", "en-pt"} < set(scores)
        assert scores["evaluation"]["resource_groups"] == {"en-az": "low", "en-pt": "high"}
    for shown in ("T=1", "T=5", "cats_sampling", "low-resource", "high-resource", "en-az", "against T=1"):
        assert shown in done.out
    assert json.loads((tmp_path / "out" / "comparison.json").read_text())["methods"][2]["name"] == "cats_sampling"
    page = (tmp_path / "out" / "report.html").read_text()
    assert "en-pt" in page
    assert "low-resource" in page


@pytest.mark.slow
def test_a_demo_of_one_run_prints_its_scores(cli, tmp_path):
    out = tmp_path / "out"
    done = cli("demo", "--out", out, "--steps", "2", "--languages", "az=300,pt=900", "--methods", "T=1")
    assert done.status == 0
    assert "en-az" in done.out
    assert not (out / "report.html").exists()
