"""`catscale data` as a user types it, with a web server of the test in place of the publishers'."""

import json
import os

import pytest
import yaml

from catscale.cli.main import main
from catscale.data.preparation.prepare import prepare
from catscale.recipes.recipe import load_table
from catscale.run.config import load_config
from tests.recipes import toys
from tests.recipes.site import serve


@pytest.fixture
def site():
    with serve() as running:
        yield running


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_help_of_its_commands(capsys):
    for command, words in (("list", "benchmarks that can be fetched"), ("fetch", "download a benchmark")):
        with pytest.raises(SystemExit) as stop:
            main(["data", command, "--help"])
        assert stop.value.code == 0
        assert words in capsys.readouterr().out.replace("Download", "download")


def test_the_list(cli, site, tmp_path):
    done = cli("data", "list")
    assert done.status == 0
    for words in ("ted-related", "760 K", "352 MB", "wmt10", "over 11 GB", "opus100", "54.7 M", "CC BY-NC-ND"):
        assert words in done.out
    recipes = toys.write(tmp_path / "recipes.yaml", toys.ted(site))
    assert "data/ted-related" not in cli("data", "list", "--recipes", recipes).out
    assert cli("data", "fetch", "ted-related", "--recipes", recipes).status == 0
    assert "data/ted-related" in cli("data", "list", "--recipes", recipes).out


def test_the_list_fits_a_narrow_terminal_and_cuts_no_address(cli, monkeypatch):
    monkeypatch.setattr("catscale.system.console.terminal.PIPE_WIDTH", 80)
    shown = cli("data", "list").out.splitlines()
    for recipe in load_table().recipes.values():
        assert f"  {recipe.homepage}" in shown
        assert " ".join(recipe.license.split()) in " ".join(" ".join(shown).split())
    assert max(map(len, shown)) <= 80


@pytest.mark.parametrize(
    ("make", "name", "sizes"),
    [
        (toys.ted, "ted-related", {"en-az": [106, 7, 7], "en-pt": [120, 10, 10]}),
        (toys.opus100, "opus100", {"en-az": [120, 10, 10]}),
    ],
)
def test_from_the_archive_to_a_token_store(cli, site, tmp_path, make, name, sizes):
    recipes = toys.write(tmp_path / "recipes.yaml", make(site))
    done = cli("data", "fetch", name, "--recipes", recipes, "--out", "here")
    assert done.status == 0
    assert done.out.splitlines()[-1] == os.path.join("here", "config.yaml")
    config = load_config(tmp_path / "here" / "config.yaml", ["vocabulary.size=90"])
    store = prepare(config.data, config.vocabulary)
    assert {str(d): [len(store.split(s, d)) for s in ("train", "dev", "test")] for d in store.directions} == sizes
    for direction in store.directions:
        reported = json.loads((tmp_path / "here" / "fetched.json").read_text())["counts"]
        (count,) = [c for c in reported if c["language"] == direction.target]
        assert [count[split] for split in ("train", "dev", "test")] == sizes[str(direction)]


def test_the_table_and_the_warning(cli, site, tmp_path):
    recipes = toys.write(tmp_path / "recipes.yaml", toys.ted(site))
    done = cli("data", "fetch", "ted-related", "--recipes", recipes)
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in done.out.splitlines() if "│" in line]
    assert rows == [["az", "106", "106", "+0.0 %", "7", "7"], ["pt", "120", "100", "+20.0 %", "10", "10"]]
    assert "warning: by more than 2 % another number than expected: pt; see the notes" in done.err
    assert "note: The archive is tokenised" in done.err
    again = cli("data", "fetch", "ted-related", "--recipes", recipes)
    assert "data/ted-related is there and complete; nothing to do" in again.err
    assert again.out == done.out


def test_what_is_missing_is_said(cli, site, tmp_path):
    content = toys.wmt(site)
    content["files"]["pt.zip"] = {"url": None, "bytes": None, "sha256": None, "manual": "Register at example.org."}
    done = cli("data", "fetch", "wmt10", "--recipes", toys.write(tmp_path / "recipes.yaml", content))
    assert done.status == 0
    assert "pt.zip has no public address and is left out. Register at example.org." in done.err
    content["recipes"]["wmt10"]["parts"] = [p for p in content["recipes"]["wmt10"]["parts"] if p["pair"] != "en-pt"]
    done = cli("data", "fetch", "wmt10", "--recipes", toys.write(tmp_path / "recipes.yaml", content))
    assert "warning: incomplete, without pt: files have to be put there" in done.err


def test_mistakes(cli, site, tmp_path):
    done = cli("data", "fetch", "ted")
    assert done.status == 2
    assert "there is no recipe 'ted'" in done.message
    content = toys.ted(site, url=f"{site.address}/moved.tgz")
    done = cli("data", "fetch", "ted-related", "--recipes", toys.write(tmp_path / "recipes.yaml", content))
    assert done.status == 2
    assert "moved.tgz is not to be had: 404 Not Found. If the file has moved, give its new address" in done.message
    assert done.out == ""
    (tmp_path / "recipes.yaml").write_text(yaml.safe_dump({"files": {"ted_talks.tar.gz": {"sha": "0"}}}))
    done = cli("data", "list", "--recipes", "recipes.yaml")
    assert "files.ted_talks.tar.gz.sha: Extra inputs are not permitted" in done.message


def test_a_log_has_plain_lines(cli, site, tmp_path):
    done = cli("data", "fetch", "ted-related", "--recipes", toys.write(tmp_path / "recipes.yaml", toys.ted(site)))
    assert "\x1b" not in done.err
    assert "\r" not in done.err
    names = [line.split(":")[0] for line in done.err.splitlines()]
    assert names[:2] == ["downloading 1 file(s), 2.6 kB, to data/ted-related/downloads", "ted_talks.tar.gz"]
