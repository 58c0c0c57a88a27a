import pytest

from catscale.data.preparation.prepare import prepare
from catscale.distributed.processes import Processes
from catscale.errors import ConfigError
from catscale.run.commands.dry_run import dry_run, open_store, print_line
from catscale.run.config import load_config
from tests.cli.toy import write_config, write_corpus
from tests.run.plans import make_config


def test_several_processes_are_refused(monkeypatch):
    monkeypatch.setattr(Processes, "join", lambda device: Processes(rank=0, size=2))
    monkeypatch.setattr(Processes, "leave", lambda self: None)
    with pytest.raises(ConfigError, match="--dry-run measures one process, found 2; leave out torchrun"):
        dry_run(make_config(), print)


def test_data_that_are_prepared_are_used_and_others_are_made_for_a_while(tmp_path):
    corpus = write_corpus(tmp_path / "corpus", "moses", {"xa": 80}, dev=4, test=4)
    config = load_config(write_config(tmp_path / "toy.yaml", corpus, tmp_path / "store"))
    scratch = tmp_path / "scratch"
    said: list[str] = []
    with open_store(config, scratch, said.append) as store:
        assert store.folder.parent == scratch / "store"
    assert "that is done in a temporary folder now" in said[0]
    assert not (tmp_path / "store").exists()
    made = prepare(config.data, config.vocabulary)
    with open_store(config, scratch, lambda line: pytest.fail(line)) as store:
        assert store.folder == made.folder


def test_lines_fit_a_terminal(capsys):
    print_line("word " * 40)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[1].startswith("  word")
