import argparse

import pytest

from catscale.cli.backtranslate_command import add_backtranslate
from catscale.cli.decoding_options import decoding_overrides
from catscale.errors import CatscaleError
from tests.cli.toy import write_lines


def parse(*arguments):
    parser = argparse.ArgumentParser()
    add_backtranslate(parser.add_subparsers())
    return parser.parse_args(["backtranslate", "run", "--from", "az", "--input", "text", "--out", "corpus", *arguments])


def test_the_tag_of_the_corpus_is_none_of_the_search():
    options = parse("--beam", "1", "--batch", "8", "--tag", "web")
    assert options.corpus_tag == "web"
    assert decoding_overrides(options) == ["evaluation.beam=1", "evaluation.batch_sentences=8"]
    assert parse().corpus_tag == "bt"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tag", "A B"], "--tag: a tag has letters from a to z"),
        (["--input", "nowhere"], "nowhere"),
        ([], "no-run is not a run's folder"),
    ],
)
def test_mistakes(cli, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    write_lines(tmp_path / "text", ["cat"])
    done = cli("backtranslate", "no-run", "--from", "en", "--input", "text", "--out", "corpus", *options)
    assert done.status == 2
    assert message in done.message
    assert not (tmp_path / "corpus").exists()


@pytest.mark.parametrize(("batch", "most"), [([], 2048), (["--batch", "8"], 2048), (["--batch", "5000"], 5000)])
@pytest.mark.parametrize("command", [["translate", "--to", "az"], ["backtranslate", "--from", "az", "--out", "corpus"]])
def test_as_many_lines_are_read_as_are_decoded_together(cli, tmp_path, monkeypatch, command, batch, most):
    read = []

    def open_lines(path, number):
        read.append(number)
        raise CatscaleError("read")

    monkeypatch.setattr("catscale.cli.lines_in.open_lines", open_lines)
    name, *options = command
    assert cli(name, "run", *options, "--input", tmp_path / "text", *batch).message == "read\n"
    assert read == [most]
