import argparse

import pytest

from catscale.cli.backtranslate_command import add_backtranslate, search_overrides
from tests.cli.toy import write_lines


def parse(*arguments):
    parser = argparse.ArgumentParser()
    add_backtranslate(parser.add_subparsers())
    return parser.parse_args(["backtranslate", "run", "--from", "az", "--input", "text", "--out", "corpus", *arguments])


def test_the_tag_of_the_corpus_is_none_of_the_search():
    options = parse("--beam", "1", "--batch", "8", "--tag", "web")
    assert options.tag == "web"
    assert search_overrides(options) == ["evaluation.beam=1", "evaluation.batch_sentences=8"]
    assert parse().tag == "bt"


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
