import json
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catscale.corpus_statistics.balance import describe_balance

PUBLISHED = json.loads(files("catscale.report").joinpath("published.json").read_text(encoding="utf-8"))
TABLES = {table["name"]: table.get("train_pairs_thousand") for table in PUBLISHED["tables"].values()}
STATISTICS = PUBLISHED["dataset_statistics"]


@given(sizes=st.lists(st.integers(1, 10**8), min_size=1, max_size=20))
def test_entropy_and_ratio_are_those_of_the_formulas(sizes):
    balance = describe_balance({f"en-{n}": size for n, size in enumerate(sizes)})
    shares = np.array(sizes) / sum(sizes)
    assert balance.total == sum(sizes)
    assert balance.entropy_nats == pytest.approx(-(shares * np.log(shares)).sum(), abs=1e-12)
    assert balance.entropy_base_10 == pytest.approx(-(shares * np.log10(shares)).sum(), abs=1e-12)
    assert balance.largest_to_smallest == max(sizes) / min(sizes)
    assert list(balance.pairs.values()) == sorted(sizes)
    assert 1 <= balance.floor <= min(size for size in [*sizes, 10**9] if size > 1)


@pytest.mark.parametrize("name", ["TED-8 related", "TED-8 diverse", "WMT-10"])
def test_the_paper_s_entropies_are_those_of_its_sizes_with_base_10(name):
    """Table 1: 0.71 for TED (both sets), 0.21 for WMT, from sizes that the paper rounds."""
    key = "wmt10" if name == "WMT-10" else "ted"
    languages, pairs, entropy = STATISTICS[key]
    balance = describe_balance({code: round(1000 * size) for code, size in TABLES[name].items()})
    assert len(balance.pairs) == languages
    assert balance.total / 1e6 == pytest.approx(pairs, rel=0.06)
    assert balance.entropy_base_10 == pytest.approx(entropy, abs=0.02)
    assert balance.entropy_nats > 2 * entropy


def test_the_paper_s_entropy_of_opus_100_can_only_be_in_nats():
    languages, _, entropy = STATISTICS["opus100"]
    equal = describe_balance({f"en-{n}": 1000 for n in range(languages)})
    assert equal.entropy_base_10 < entropy < equal.entropy_nats


def test_no_pairs_at_all():
    balance = describe_balance({"en-a": 0, "en-b": 0})
    assert (balance.total, balance.entropy_nats, balance.largest_to_smallest, balance.floor) == (0, 0, None, 1)


@pytest.mark.parametrize(("sizes", "floor"), [([766, 130_353], 100), ([1000], 100), ([0, 1, 5], 1), ([11], 10)])
def test_bars_begin_at_the_power_of_ten_below(sizes, floor):
    assert describe_balance({str(n): size for n, size in enumerate(sizes)}).floor == floor
