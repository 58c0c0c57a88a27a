"""`catscale train --dry-run`: a few real steps, and nothing of them left."""

from pathlib import Path

from tests.cli.toy import write_config, write_corpus


def list_all(root: Path) -> dict[str, tuple[int, int]]:
    """Size and time of everything below a folder, and of itself."""
    found = [root, *root.rglob("*")]
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in found}


def test_nothing_changes(cli, tmp_path, tmp_path_factory, monkeypatch):
    corpus = write_corpus(tmp_path / "corpus", "moses", {"xa": 200, "xb": 50})
    write_config(
        tmp_path / "toy.yaml", corpus, tmp_path / "store", training={"tensorboard": True}, balancing={"method": "cats"}
    )
    temporary = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.chdir(tmp_path)
    before = list_all(tmp_path)
    done = cli("train", "toy.yaml", "--dry-run", "--out", "run")
    assert done.status == 0, done.err
    assert "temporary folder" in done.err
    assert list_all(tmp_path) == before
    assert list(temporary.glob("catscale-*")) == []
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 80
    for said in ("│ en-xa", "epochs in 24", "parameters: ", "memory: ", "a step takes ", "time: ", "24 steps"):
        assert said in done.out
    assert lines[-1] == "dry run: nothing was written"


def test_prepared_data_are_used(cli, config, store):
    assert cli("prepare", config).status == 0
    before = list_all(store)
    done = cli("train", config, "--dry-run")
    assert done.status == 0, done.err
    assert "temporary" not in done.err
    assert list_all(store) == before


def test_mistakes(cli, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("data: {format: moses, path: nowhere, source: en, targets: all}\n")
    done = cli("train", bad, "--dry-run")
    assert done.status == 2
    assert "data.path nowhere is not a folder" in done.message
    assert cli("train", bad, "--dry-run", "--set", "training.max_step=3").status == 2
