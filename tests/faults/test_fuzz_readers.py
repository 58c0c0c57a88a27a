"""Whatever a corpus file holds, it is read, or one message of ours says what is wrong with it."""

import io
import json
from typing import Any

import pytest
from hypothesis import strategies as st

from catscale.data import DataConfig, Direction
from catscale.data.config import HoldoutConfig
from catscale.data.corpora.corpus import Corpus
from catscale.errors import DataError
from tests.faults.changed_files import mutated, read_or_told
from tests.faults.fuzzing import SECONDS, explore

EN_DE = Direction("en", "de")
LINES = [("the cat", "die Katze"), ("a\u2028dog", "ein\x0b Hund"), ("</s> __de__", "\u202eHaus\u202c")]
TMX = """<?xml version="1.0" encoding="UTF-8"?>
<tmx version="1.4"><header srclang="en" datatype="plaintext"/><body>
<tu><tuv xml:lang="en"><seg>the <bpt i="1">x</bpt>cat<ept i="1"/></seg></tuv>
<tuv xml:lang="de-AT"><seg>die &amp; Katze</seg></tuv></tu>
</body></tmx>
"""
XLIFF = """<?xml version="1.0" encoding="UTF-8"?>
<xliff version="1.2"><file source-language="en" target-language="de"><body>
<trans-unit id="1"><source>the <g id="1">cat</g></source><target>die Katze</target></trans-unit>
</body></file></xliff>
"""
TABLE = "en\tde\n" + "".join(f"{a}\t{b}\n" for a, b in LINES)


def make_parquet():
    arrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install 'catscale[datasets]'")
    from pyarrow import parquet

    file = io.BytesIO()
    sides = zip(*LINES, strict=True)
    parquet.write_table(arrow.table(dict(zip(("en", "de"), map(list, sides), strict=True))), file)
    return file.getvalue()


FILES: dict[str, tuple[str, Any]] = {
    "moses": ("train.en", "".join(f"{a}\n" for a, _ in LINES)),
    "tsv": ("train.tsv", TABLE),
    "ted": ("all_talks_train.tsv", TABLE),
    "jsonl": ("train.jsonl", "".join(json.dumps({"translation": {"en": a, "de": b}}) + "\n" for a, b in LINES)),
    "tmx": ("train.tmx", TMX),
    "xliff": ("train.xlf", XLIFF),
    "parquet": ("train.parquet", make_parquet),
}


def pairs_of(folder, kind):
    corpus = Corpus(DataConfig(format=kind, path=folder, directions=["en-de"], holdout=HoldoutConfig(dev=1, test=1)))
    assert corpus.directions == (EN_DE,)
    return list(corpus.pairs("train", EN_DE))


def search(folder, kind, seconds):
    name, made = FILES[kind]
    whole = made.encode() if isinstance(made, str) else made()
    (folder / "train.de").write_text("".join(f"{b}\n" for _, b in LINES))
    if kind != "moses":
        (folder / "train.de").unlink()
    (folder / name).write_bytes(whole)
    assert pairs_of(folder, kind)

    def check(content: bytes) -> None:
        (folder / name).write_bytes(content)
        for pair in read_or_told(lambda: pairs_of(folder, kind), DataError) or ():
            assert len(pair) == 2
            for side in pair:
                assert "\n" not in side
                side.encode()

    return explore(check, mutated(whole) | st.binary(max_size=60), seconds)


@pytest.mark.parametrize("kind", FILES)
def test_readers(kind, tmp_path):
    search(tmp_path, kind, None)


@pytest.mark.faults
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("kind", FILES)
def test_readers_for_long(kind, tmp_path, record):
    tried = search(tmp_path, kind, SECONDS)
    record(f"corpus files of format {kind}, any bytes for {SECONDS:g} s", tried, "read, or one message")
