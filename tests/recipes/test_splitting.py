"""Train, dev and test by a hash of the sentence."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from catscale.errors import ConfigError
from catscale.recipes.parts import SplitPart
from catscale.recipes.splitting import clean, divide, find_position
from tests.recipes.toys import sentence

TOOL = Path(__file__).parents[3] / "shared" / "data" / "tools" / "split_parallel.py"


def part(**settings):
    return SplitPart(kind="split", pair="en-az", **settings)


def pool(count=600):
    """Sentences with one to three translations, in another order for every language."""
    return [
        (f"{sentence(n)}{'!' * (n % 2)}", f"{sentence(n, 'az')} {k}") for n in range(count) for k in range(n % 3 + 1)
    ]


def test_shares_and_every_pair_once():
    pairs = pool()
    found = divide(pairs, part(max_test=10_000, max_dev=10_000))
    counts = Counter(pair for split in found.pairs.values() for pair in split)
    assert set(counts.values()) == {1}
    assert set(counts) <= set(pairs)
    sources = {split: {source for source, _ in of_split} for split, of_split in found.pairs.items()}
    assert not sources["train"] & (sources["dev"] | sources["test"])
    assert not sources["dev"] & sources["test"]
    assert len(sources["test"]) / 600 == pytest.approx(0.15, abs=0.05)
    assert len(sources["dev"]) / 600 == pytest.approx(0.10, abs=0.04)
    assert all(len(found.pairs[split]) == len(sources[split]) for split in ("dev", "test"))  # one translation each
    assert len(found.pairs["train"]) > len(sources["train"])


def test_the_same_sentence_is_in_the_same_split_for_every_language():
    first = divide(pool(), part())
    second = divide([(source.upper(), "something else entirely") for source, _ in pool()[::-1]], part())
    for split, pairs in second.pairs.items():
        others = {source for name, found in first.pairs.items() if name != split for source, _ in found}
        assert not {source.lower() for source, _ in pairs} & others


def test_the_order_of_the_pool_decides_between_translations_alone():
    forwards, backwards = divide(pool(), part()), divide(pool()[::-1], part())
    assert forwards.pairs["train"] == backwards.pairs["train"]
    assert [source for source, _ in forwards.pairs["test"]] == [source for source, _ in backwards.pairs["test"]]
    assert forwards.pairs["test"] != backwards.pairs["test"]


def test_the_largest_sizes_take_the_lowest_positions():
    few, all_of_them = divide(pool(), part(max_test=7)), divide(pool(), part())
    assert few.pairs["test"] == all_of_them.pairs["test"][:7]
    positions = [find_position(source) for source, _ in all_of_them.pairs["test"]]
    assert positions == sorted(positions)


@pytest.mark.parametrize("pair", [("", "x"), ("x", " "), ("same", "same"), ("a " * 101, "b " * 101), ("abc", "x" * 19)])
def test_unusable_pairs_are_counted(pair):
    found = divide([("a good one", "bir yaxşı"), pair, ("a good one", "bir yaxşı")], part())
    assert sum(map(len, found.pairs.values())) == 1
    assert found.left_out == 2


def test_a_line_is_made_printable():
    assert clean("\ufeff a\tb\r\u2028c\x00 ") == "a b c "[:-1]


def test_by_must_be_one_of_the_pair():
    with pytest.raises(ConfigError, match="by must be a language of en-az, found 'fr'"):
        part(by="fr")


@pytest.mark.skipif(not TOOL.is_file(), reason="the tool that made the corpora on record is not here")
def test_it_is_what_the_corpora_on_record_were_made_with(tmp_path):
    sides = [tmp_path / "pool.en", tmp_path / "pool.az"]
    pairs = [*pool(), ("tab\there", "və burada"), (" spaces  within ", " iki  boşluq "), ("x", "y" * 50)]
    for side, path in enumerate(sides):
        path.write_text("".join(f"{pair[side]}\n" for pair in pairs), encoding="utf-8", newline="\n")
    command = [sys.executable, TOOL, "--out", tmp_path, "--layout", "moses", "--bitext", f"az={sides[0]},{sides[1]}"]
    subprocess.run(command, check=True, capture_output=True)
    for split, found in divide(pairs, part()).pairs.items():
        for side, language in enumerate(("en", "az")):
            expected = (tmp_path / "en-az" / f"{split}.{language}").read_bytes()
            assert "".join(f"{pair[side]}\n" for pair in found).encode() == expected
