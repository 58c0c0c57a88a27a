"""`<unk>` is counted on every side, said, recorded, warned of and refused."""

import json

import pytest

from catscale.data import DataConfig, Direction, prepare
from catscale.data.preparation.unknown_pieces import (
    describe_unknown,
    refuse_unknown,
    show_shares,
    unknown_share,
    unwritable_share,
    warn_of_unknown,
)
from catscale.errors import DataError
from catscale.vocabulary.training import SentencePieceSettings, train_vocabulary
from tests.data.toy_corpora import sentences, write, write_moses
from tests.unchecked import unchecked

EN_JA = Direction("en", "ja")
JAPANESE = [f"猫が{a}で{b}を見た。" for a in "家庭駅店川" for b in "犬鳥魚花月星山海空雨"]


@pytest.fixture
def latin(tmp_path):
    """A vocabulary that has no Japanese."""
    vocabulary = train_vocabulary(SentencePieceSettings(size=60), sentences("en", 300), ["en", "de"])
    (tmp_path / "latin.model").write_bytes(vocabulary.model)
    return tmp_path / "latin.model"


def corpus(root, splits):
    """English and Japanese; `splits` says which lines of Japanese each split has."""
    for split, lines in splits.items():
        write(root / f"{split}.ja", lines)
        write(root / f"{split}.en", sentences("en", len(lines), start=100 * len(split)))
    return root


def make(root, store, vocabulary, direction="en-ja"):
    said: list[str] = []
    data = DataConfig(format="moses", path=root, directions=[direction], store=store)
    return prepare(data, vocabulary, said.append), said


@pytest.fixture
def japanese(tmp_path):
    return corpus(tmp_path / "c", {"train": JAPANESE, "dev": JAPANESE[:9], "test": JAPANESE[9:20]})


@pytest.mark.parametrize(("direction", "side"), [("en-ja", "target"), ("ja-en", "source")])
def test_a_vocabulary_without_the_script_is_refused(japanese, latin, tmp_path, direction, side):
    vocabulary = SentencePieceSettings(path=latin)
    message = (
        rf"50% of the {side} pieces of {direction} (dev|test) are <unk>, .*max_unknown allows 10%: .*max_unknown to 1"
    )
    with pytest.raises(DataError, match=message):
        make(japanese, tmp_path / "s", vocabulary, direction)
    assert {path.name for path in (tmp_path / "s").iterdir()} <= {".lock", ".catscale"}
    store, said = make(japanese, tmp_path / "s", SentencePieceSettings(path=latin, max_unknown=1.0), direction)
    assert f"warning: 50% of the {side} pieces of {direction} train are <unk>" in "\n".join(said)
    with pytest.raises(DataError, match=rf"50% of the {side} pieces"):  # the store that was let through is found
        make(japanese, tmp_path / "s", vocabulary, direction)
    again, said = make(japanese, tmp_path / "s", SentencePieceSettings(path=latin, max_unknown=0.5), direction)
    assert (again.folder, sum("warning: 50%" in line for line in said)) == (store.folder, 3)


def test_what_is_counted_is_what_the_files_hold(japanese, latin, tmp_path):
    store, said = make(japanese, tmp_path / "s", SentencePieceSettings(path=latin, max_unknown=1.0))
    manifest = json.loads((store.folder / "manifest.json").read_text())
    for split in ("train", "dev", "test"):
        pairs, counts = store.split(split, EN_JA), manifest["statistics"]["en-ja"][split]
        for side, of in (("source", pairs.source), ("target", pairs.target)):
            ids = [of(n).tolist() for n in range(len(pairs))]
            assert counts[f"{side}_unknown"] == sum(id_ == 3 for line in ids for id_ in line)
            assert counts[f"{side}_tokens"] == sum(map(len, ids))
        if split != "train":
            decoded = store.vocabulary.decode([pairs.target(n) for n in range(len(pairs))])
            differing = sum(a != b.strip() for a, b in zip(decoded, pairs.target_text(), strict=True))
            assert counts["unwritable_targets"] == differing == len(pairs)
    assert "unwritable_targets" not in manifest["statistics"]["en-ja"]["train"]
    line = (
        "en-ja dev: 9 pairs read, 9 kept; <unk> 0% of source, 50% of target pieces; 100% of targets cannot be written"
    )
    assert line in said


def test_a_script_that_only_dev_has(tmp_path):
    splits = {"train": JAPANESE, "dev": [*JAPANESE[:20], "Ωμέγα και άλφα", "Δέλτα", "Σίγμα"], "test": JAPANESE[:9]}
    root = corpus(tmp_path / "c", splits)
    with pytest.raises(DataError, match=r"of the target pieces of en-ja dev are <unk>"):
        make(root, tmp_path / "s", SentencePieceSettings(size=100, max_unknown=0.01))
    store, said = make(root, tmp_path / "s", SentencePieceSettings(size=100))
    assert store.statistics["en-ja"]["dev"]["unwritable_targets"] == 3
    assert any("13% of targets cannot be written" in line for line in said)
    assert any(line.startswith("warning: ") and "en-ja dev are <unk>" in line for line in said)
    assert not any("test are <unk>" in line for line in said)


def test_rules_change_what_can_be_written(tmp_path):
    """`nmt_nfkc` loses the half and the non-joiner, without one `<unk>`; `identity` loses nothing."""
    splits = {name: [f"½ {n} می‌خواهم" for n in range(20)] for name in ("train", "dev", "test")}
    root = corpus(tmp_path / "c", splits)
    for rule, share in (("nmt_nfkc", 1.0), ("nfkc", 1.0), ("identity", 0.0)):
        store, said = make(root, tmp_path / "s", SentencePieceSettings(size=70, normalisation=unchecked(rule)))
        counts = store.statistics["en-ja"]["dev"]
        assert (unwritable_share(counts), counts["target_unknown"]) == (share, 0)
        assert any("100% of targets cannot be written" in line for line in said) == (share == 1)
    assert len(list((tmp_path / "s").glob("*/manifest.json"))) == 3


def test_shares_and_words():
    counts = {"source_tokens": 1000, "target_tokens": 300, "source_unknown": 0, "target_unknown": 1, "kept": 50}
    counts["unwritable_targets"] = 1
    assert unknown_share(counts, "target") == pytest.approx(1 / 300)
    assert describe_unknown(counts) == "<unk> 0% of source, 0.33% of target pieces; 2% of targets cannot be written"
    assert describe_unknown({**counts, "target_unknown": 0, "unwritable_targets": 0}) == ""
    assert show_shares(counts) == "0%/0.33%"
    assert show_shares({"source_unknown": 1, "source_tokens": 1, "target_unknown": 0, "target_tokens": 0}) == "100%/0%"
    old = {"source_tokens": 1000, "target_tokens": 300, "kept": 50}  # a store of version 0.1
    assert (unknown_share(old, "source"), unwritable_share(old)) == (None, None)
    assert (describe_unknown(old), show_shares(old)) == ("", "–/–")
    said: list[str] = []
    statistics = {"en-a": {"train": old}, "en-b": {"dev": {**counts, "source_unknown": 11}, "test": counts}}
    refuse_unknown(statistics, 0.011)
    with pytest.raises(DataError, match=r"1\.1% of the source pieces of en-b dev are <unk>.*allows 1%"):
        refuse_unknown(statistics, 0.01)
    warn_of_unknown(statistics, said.append)
    warn_of_unknown(statistics, said.append, ["test"])
    assert [line[:60] for line in said] == ["warning: 1.1% of the source pieces of en-b dev are <unk>: the"[:60]]
    assert "can read none of them" in said[0]


def test_lines_that_nobody_sees_are_empty_and_the_rest_goes_on(tmp_path):
    """Of 200 lines some are decomposed, invisible, of unknown characters, with NUL bytes, or one long word."""
    write_moses(tmp_path / "c", {"train": 200, "dev": 20})
    odd = [
        "",
        "   ",
        "\u200b",
        "\u200c\u200d\ufeff",
        "\t\u00a0",
        "\0",
        "nul\0byte",
        "e\u0302\u0301" * 9,
        "x" * 9000,
        "\u2028",
    ]
    for language in ("en", "de"):
        path = tmp_path / "c" / f"train.{language}"
        lines = path.read_bytes().decode().split("\n")[:-1]
        write(path, [*lines, *odd])
        path = tmp_path / "c" / f"dev.{language}"
        write(path, [*path.read_bytes().decode().split("\n")[:-1], *odd[:6], "日本", "nul\0byte"])
    data = DataConfig(format="moses", path=tmp_path / "c", directions=["en-de"], store=tmp_path / "s")
    store = prepare(data, SentencePieceSettings(size=100))
    train, dev = (store.statistics["en-de"][split] for split in ("train", "dev"))
    assert (train["read"], train["dropped"]["empty"]) == (210, 7)
    assert train["dropped"]["too_long"] == 1
    assert (dev["kept"], dev["dropped"]["empty"]) == (22, 6)
    assert (dev["target_unknown"], dev["unwritable_targets"]) == (1, 1)
