"""`catscale data stats` from end to end."""

import json

import pytest

from catscale.cli.main import main


def test_json_parses_and_says_what_the_tables_say(cli, corpus):
    done = cli("data", "stats", corpus, "--json")
    assert done.status == 0
    content = json.loads(done.out)
    assert content["format"] == "moses"
    assert content["balance"]["pairs"] == {"en-xb": 150, "en-xa": 600}
    assert content["balance"]["largest_to_smallest"] == 4
    train = content["directions"]["en-xa"]["train"]
    assert train["pairs"] == 600
    assert train["source"]["words"]["total"] == train["target"]["words"]["total"]
    assert train["target"]["foreign_letters"] is None
    shown = cli("data", "stats", corpus)
    assert "750 train pairs in 2 directions; largest : smallest 4.0" in shown.out
    assert f"{train['source']['words']['total']:,}" in shown.out


def test_a_configuration_and_a_page(cli, config, tmp_path):
    out = tmp_path / "stats"
    done = cli("data", "stats", config, "--out", out, "--json", "--directions", "en-xa", "--jobs", 2)
    assert done.status == 0
    assert json.loads((out / "stats.json").read_text()) == json.loads(done.out)
    assert {path.name for path in out.rglob("*.*")} == {
        ".catscale", "stats.json", "stats.html", *(f"train-pairs.{kind}" for kind in ("png", "svg", "csv"))
    }  # fmt: skip
    assert done.err.splitlines()[-1] == f"page: {out / 'stats.html'}"


def test_a_broken_corpus_exits_2_with_one_message(cli, corpus, tmp_path):
    root = tmp_path / "broken"
    for path in corpus.rglob("*.x?"):
        copied = root / path.relative_to(corpus)
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_bytes(path.read_bytes())
        english = path.with_suffix(".en")
        (copied.parent / english.name).write_bytes(english.read_bytes())
    path = root / "en-xa" / "train.xa"
    lines = path.read_bytes().split(b"\n")
    lines[6] = b"caf\xe9"
    path.write_bytes(b"\n".join(lines))
    for jobs in (1, 2):
        done = cli("data", "stats", root, "--jobs", jobs, "--out", tmp_path / "out")
        assert (done.status, done.out) == (2, "")
        assert f"{path}, line 7 is not valid UTF-8" in done.message
        assert not (tmp_path / "out").exists()


def test_nothing_there_exits_2(cli, tmp_path):
    done = cli("data", "stats", tmp_path)
    assert done.status == 2
    assert "nor a corpus whose layout is known" in done.message


def test_help(capsys):
    for arguments in (["data", "--help"], ["data", "stats", "--help"]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 0
    assert "usage: catscale data stats" in capsys.readouterr().out
