"""Files of every format in the table, for the contract suite; a new format gets its writer here."""

import io
import json
from collections.abc import Callable, Sequence
from xml.sax.saxutils import escape

import pytest

Pairs = Sequence[tuple[str, str]]


def write_tsv(pairs: Pairs) -> bytes:
    return ("en\tde\n" + "".join(f"{a}\t{b}\n" for a, b in pairs)).encode()


def write_jsonl(pairs: Pairs) -> bytes:
    lines = (json.dumps({"translation": {"en": a, "de": b}}, ensure_ascii=False) for a, b in pairs)
    return "".join(f"{line}\n" for line in lines).encode()


def write_ted(pairs: Pairs) -> bytes:
    rows = "".join(f"{a}\ttalk\t{b}\n" for a, b in pairs)
    return f"en\ttalk_name\tde\n{rows}".encode()


def write_tmx(pairs: Pairs) -> bytes:
    units = "".join(
        f'<tu><tuv xml:lang="en"><seg>{escape(a)}</seg></tuv>\n<tuv xml:lang="de"><seg>{escape(b)}</seg></tuv></tu>\n'
        for a, b in pairs
    )
    return f'<?xml version="1.0"?>\n<tmx version="1.4"><header/><body>\n{units}</body></tmx>\n'.encode()


def write_xliff(pairs: Pairs) -> bytes:
    units = "".join(
        f"<trans-unit><source>{escape(a)}</source>\n<target>{escape(b)}</target></trans-unit>\n" for a, b in pairs
    )
    head = '<xliff version="1.2"><file source-language="en" target-language="de"><body>'
    return f'<?xml version="1.0"?>\n{head}\n{units}</body></file></xliff>\n'.encode()


def write_parquet(pairs: Pairs) -> bytes:
    arrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install 'catscale[parquet]'")
    from pyarrow import parquet

    file = io.BytesIO()
    parquet.write_table(arrow.table({"en": [a for a, _ in pairs], "de": [b for _, b in pairs]}), file)
    return file.getvalue()


WRITERS: dict[str, Callable[[Pairs], bytes]] = {
    "tsv": write_tsv,
    "jsonl": write_jsonl,
    "ted": write_ted,
    "tmx": write_tmx,
    "xliff": write_xliff,
    "parquet": write_parquet,
}
