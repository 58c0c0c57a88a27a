from hypothesis import given
from hypothesis import strategies as st

from tests.data.formats.reading import read_aligned, read_jsonl, read_table
from tests.data.toy_corpora import write, write_jsonl

TEXT = st.text(st.characters(exclude_characters="\n\r\t\ufeff", exclude_categories=["Cs"]), max_size=20).filter(
    lambda text: text.strip() != "__NULL__"
)
PAIRS = st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=8)


@given(pairs=PAIRS)
def test_every_format_returns_the_pairs(pairs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    source = write(folder / "x.en", [a for a, _ in pairs])
    target = write(folder / "x.de", [b for _, b in pairs])
    table = write(folder / "x.tsv", ["de\ten", *(f"{b}\t{a}" for a, b in pairs)])
    bare = write(folder / "bare.tsv", [f"{a}\t{b}" for a, b in pairs])
    records = write_jsonl(folder / "x.jsonl", [{"en": a, "de": b} for a, b in pairs])
    assert list(read_aligned(source, target)) == pairs
    assert list(read_table(table, ("en", "de"))) == pairs
    assert list(read_table(bare, (0, 1))) == pairs
    assert list(read_jsonl(records, "en", "de")) == pairs
