import bz2
import gzip
import lzma
import os
import tracemalloc
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from catscale.errors import DataError
from catscale.recipes.remote_file import RemoteFile
from catscale.recipes.streams import ArchiveLimits, open_stream, read_text_lines

Compress = Callable[[bytes], bytes]
COMPRESS: dict[str, Compress] = {
    "plain": bytes,
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}
WIDE = ArchiveLimits(2**24, 1)


def lines(path, content, limits=WIDE):
    path.write_bytes(content)
    with open_stream(path, limits) as stream:
        return list(read_text_lines(stream))


@pytest.mark.parametrize("compression", COMPRESS)
def test_lines_come_out_of_every_compression(tmp_path, compression):
    text = "\ufeffone\r\ntwo\u2028 still two\n\nfour \x0c four\nfive"
    expected = ["one", "two\u2028 still two", "", "four \x0c four", "five"]
    assert lines(tmp_path / "any.name", COMPRESS[compression](text.encode())) == expected


@pytest.mark.parametrize("compression", ["gz", "bz2", "xz"])
def test_files_put_together_from_several_are_read_whole(tmp_path, compression):
    compress = COMPRESS[compression]
    assert lines(tmp_path / "f", compress(b"a\nb") + compress(b"c\n")) == ["a", "bc"]


def test_large_data_survive_each_compression(tmp_path):
    data = os.urandom(1_200_000)
    for name, compress in COMPRESS.items():
        (tmp_path / name).write_bytes(compress(data))
        with open_stream(tmp_path / name, WIDE) as stream:
            assert b"".join(iter(partial(stream.read, 100_000), b"")) == data


@pytest.mark.parametrize("compression", COMPRESS)
def test_the_limit_holds(tmp_path, compression):
    content = COMPRESS[compression](b"x\n" * 50_000)
    assert len(lines(tmp_path / "f", content, ArchiveLimits(100_000, 1))) == 50_000
    with pytest.raises(DataError, match=r"unpacks to more than 99,999 bytes.*raise max_unpacked_bytes or max_ratio"):
        lines(tmp_path / "f", content, ArchiveLimits(99_999, 1))


def test_the_limit_is_of_the_recipe_and_of_the_length(tmp_path):
    (tmp_path / "f").write_bytes(bytes(100_000))
    url: dict[str, Any] = {"url": "https://a.b/f"}
    assert ArchiveLimits.of(RemoteFile(**url, max_ratio=20), tmp_path / "f").bytes == 2_000_000
    assert ArchiveLimits.of(RemoteFile(**url, max_ratio=20, max_unpacked_bytes=7), tmp_path / "f").bytes == 7
    assert ArchiveLimits.of(RemoteFile(**url, max_ratio=1), tmp_path / "f").bytes == 2**20  # small files may grow


def test_an_endless_line_is_not_loaded(tmp_path):
    (tmp_path / "f").write_bytes(gzip.compress(b"short\n" + bytes(80_000_000)))
    tracemalloc.start()
    try:
        with (
            pytest.raises(DataError, match=r"line 2 is longer than 16,777,216 bytes"),
            open_stream(tmp_path / "f", ArchiveLimits(2**30, 1)) as stream,
        ):
            list(read_text_lines(stream))
        assert tracemalloc.get_traced_memory()[1] < 60_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("compression", ["gz", "bz2", "xz"])
def test_cut_data_are_named(tmp_path, compression):
    with pytest.raises(DataError, match=r"f is damaged .*fetch again"):
        lines(tmp_path / "f", COMPRESS[compression](os.urandom(10_000).hex().encode())[:-100])


def test_an_xz_that_wants_all_memory_is_refused(tmp_path):
    content = bytearray(lzma.compress(b"x\n"))
    at = content.index(b"\x21\x01") + 2  # the filter's properties: one byte, the size of the dictionary
    content[at] = 40  # 4 GiB
    header_size = (content[12] + 1) * 4
    crc = zlib.crc32(content[12 : 12 + header_size - 4]).to_bytes(4, "little")
    content[12 + header_size - 4 : 12 + header_size] = crc
    with pytest.raises(DataError, match=r"f is damaged \(.*[Mm]emory"):
        lines(tmp_path / "f", bytes(content))


def test_a_line_that_is_not_text_is_named(tmp_path):
    with pytest.raises(DataError, match="line 2 is not valid UTF-8"):
        lines(tmp_path / "f", b"fine\ncaf\xe9\n")
