import gzip
import io
import os
import stat
import struct
import tarfile
import tracemalloc
import zipfile
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catscale.errors import DataError
from catscale.recipes.streams import ArchiveLimits
from catscale.recipes.unpack import unpack
from tests.recipes.archives import COMPRESS, make_tar, make_zip, regular, special, tar
from tests.unchecked import unchecked

WIDE = ArchiveLimits(bytes=2**24, members=100)


@pytest.fixture
def take(tmp_path):
    """Unpacks bytes; nothing outside the folder may change."""
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()

    def run(content, rename=lambda name: name, limits=WIDE):
        (tmp_path / "in" / "archive").write_bytes(content)
        try:
            return unpack(tmp_path / "in" / "archive", tmp_path / "out", rename, limits)
        finally:
            assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]
            assert not any(path.is_symlink() for path in (tmp_path / "out").rglob("*"))

    unchecked(run).out = tmp_path / "out"
    return run


def contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


MEMBERS = {"a.txt": b"one\n", "deep/er/b.txt": b"two\n" * 1000, "./c.txt": b""}
CLEAN = {name.removeprefix("./"): content for name, content in MEMBERS.items()}


@pytest.mark.parametrize("compression", COMPRESS)
def test_a_tar_is_unpacked(take, compression):
    assert take(tar(MEMBERS, compression)) == list(CLEAN)
    assert contents(take.out) == CLEAN


def test_a_zip_is_unpacked(take):
    take(make_zip(MEMBERS))
    assert contents(take.out) == CLEAN


@pytest.mark.parametrize("make", [tar, make_zip])
def test_only_wanted_members_are_taken_and_may_be_renamed(take, make):
    take(make({"x/a.txt": b"1", "x/b.txt": b"2", "c": b"3"}), lambda name: "new/a" if name == "x/a.txt" else None)
    assert contents(take.out) == {"new/a": b"1"}


@pytest.mark.parametrize("make", [tar, make_zip])
@pytest.mark.parametrize("name", ["../a", "x/../../a", "/tmp/a", "x\\..\\a", "C:/a"])
def test_a_path_that_leaves_the_folder_is_refused(take, make, name):
    with pytest.raises(DataError, match="has a path that leaves its folder; nothing was unpacked"):
        take(make({name: b"x"}))
    with pytest.raises(DataError, match="has a path that leaves its folder"):
        take(make({name: b"x"}), lambda _: None)  # nor is an archive used that tries
    assert contents(take.out) == {}


def test_a_name_with_control_characters_is_refused(take):
    with pytest.raises(DataError, match="a name with control characters"):
        take(tar({"a\x1b[2Jb": b"x"}))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(take, kind):
    with pytest.raises(DataError, match="is a link, a device or a sparse file"):
        take(make_tar([special("a", kind, "/etc/passwd")]))


def test_links_that_nobody_wants_are_left(take):
    taken = take(
        make_tar([special("a", tarfile.SYMTYPE, "/etc"), regular("b", b"x")]), lambda n: n if n == "b" else None
    )
    assert taken == ["b"]


def test_nothing_is_written_through_a_link(take):
    """A link to a folder elsewhere, and a file in it."""
    with pytest.raises(DataError, match="is a link"):
        take(make_tar([special("d", tarfile.SYMTYPE, "../in"), regular("d/stolen", b"x")]))


def test_a_link_in_a_zip_is_refused(take):
    with pytest.raises(DataError, match="is a link or a device"):
        take(make_zip({"a": b"/etc/passwd"}, external_attr=(stat.S_IFLNK | 0o777) << 16, create_system=3))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a.txt", "a.txt"),
        ("a.txt", "./a.txt"),
        ("x//a", "x/a"),
        ("A.txt", "a.TXT"),
        ("straße", "STRASSE"),
        ("é.txt", "e\u0301.txt"),
        ("ﬁ", "fi"),
    ],
)
def test_two_members_for_one_place_are_refused(take, first, second):
    with pytest.raises(DataError, match="would overwrite"):
        take(tar([(first, b"1"), (second, b"2")]))


@pytest.mark.parametrize("names", [["a", "a/b"], ["a/b", "A"]])
def test_a_file_where_a_folder_is_needed_is_refused(take, names):
    with pytest.raises(DataError, match="is a file where another member needs a folder"):
        take(tar([(name, b"") for name in names]))


def test_two_names_given_one_place_are_refused(take):
    with pytest.raises(DataError, match="would overwrite 'same'"):
        take(tar({"a": b"1", "b": b"2"}), lambda _: "same")


@pytest.mark.parametrize("place", ["/tmp/stolen", "../in/stolen", "x/../../in/stolen", ""])
def test_a_renaming_that_leaves_the_folder_is_refused(take, place):
    with pytest.raises(DataError, match=r"would be written to .*, outside its folder"):
        take(tar({"a": b"1"}), lambda _: place)


def test_too_long_a_name_is_refused(take):
    with pytest.raises(DataError, match="has a name of more than 255 bytes"):
        take(tar({"ü" * 200: b""}))


@pytest.mark.parametrize("make", [tar, make_zip])
@pytest.mark.parametrize("name", ["d/" * 1500 + "x", "d/" * 33 + "x", "d" * 250 + "/" + ("e" * 250 + "/") * 4 + "x"])
def test_nested_folders_without_end_are_refused(take, make, name):
    """Also of members that nobody wants."""
    for rename in (lambda name: name, lambda name: None):
        with pytest.raises(DataError, match="lies more than 32 folders deep, or has a path of more than 1000 bytes"):
            take(make({name: b"x"}), rename)


@pytest.mark.parametrize("make", [tar, make_zip])
def test_too_many_members_are_refused(take, make):
    with pytest.raises(DataError, match="has more than 100 members"):
        take(make({f"m{n}": b"" for n in range(101)}))


@pytest.mark.parametrize("compression", ["gz", "bz2", "xz"])
def test_a_bomb_is_stopped_while_it_is_read(take, compression):
    """Zeros by the 20 MB in a few kB: neither memory nor disk may hold them."""
    bomb = tar({"zeros": bytes(20_000_000)}, compression)
    assert len(bomb) < 200_000
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"is said to have 20,000,000 bytes|unpacks to more than"):
            take(bomb)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    assert sum(len(c) for c in contents(take.out).values()) <= WIDE.bytes


def test_a_bomb_of_many_members_is_stopped(take):
    with pytest.raises(DataError, match=r"passes the limit on all members together"):
        take(tar({f"zeros{n}": bytes(10_000_000) for n in range(3)}))


def test_a_bomb_in_members_that_nobody_wants_is_stopped(take):
    with pytest.raises(DataError, match=r"unpacks to more than 16,777,216 bytes"):
        take(tar({f"zeros{n}": bytes(10_000_000) for n in range(3)}), lambda _: None)


def test_a_bomb_in_a_zip_is_stopped(take):
    with pytest.raises(DataError, match="passes the limit on all members together"):
        take(make_zip({f"zeros{n}": bytes(10_000_000) for n in range(3)}))


def test_a_bomb_behind_the_end_is_stopped(take):
    """What follows the end mark is read for the checksum, within the same limit."""
    inner = tar({"a": b"x"}, "")
    with pytest.raises(DataError, match="unpacks to more than"):
        take(gzip.compress(inner + bytes(30_000_000)))


@pytest.mark.parametrize("before", [[], [b"x"], [bytes(2_000_000)]])
def test_a_header_of_unbelievable_length_is_not_loaded(take, before):
    """A pax header is read in one piece by tarfile; this one has 12 MB."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for number, content in enumerate(before):
            archive.addfile(regular(f"m{number}", content)[0], io.BytesIO(content))
        info = tarfile.TarInfo("a")
        info.pax_headers = {"comment": "x" * 12_000_000}
        archive.addfile(info)
    with pytest.raises(DataError, match="has a header of unbelievable length"):
        take(gzip.compress(buffer.getvalue()), lambda _: None, ArchiveLimits(2**30, 10))


def test_a_member_after_a_skipped_one_is_found(take):
    """The allowance for a header does not count what is skipped before it."""
    members = {"big": os.urandom(5_000_000), "small": b"x"}
    assert take(tar(members), lambda name: name if name == "small" else None) == ["small"]
    assert contents(take.out) == {"small": b"x"}


def forged_size(content: bytes, size: bytes) -> bytes:
    """A plain tar whose first header claims another size, with a right header checksum."""
    header = bytearray(content[:512])
    header[124:136] = size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + content[512:]


def test_a_size_beyond_the_file_is_found_out(take):
    with pytest.raises(DataError, match=r"no complete tar or zip archive|is said to have"):
        take(forged_size(tar({"a": b"x" * 100}, ""), b"%011o\0" % 10_000_000))


def test_an_absurd_size_is_refused_at_once(take):
    with pytest.raises(DataError, match="is said to have 9,223,372,036,854,775,807 bytes"):
        take(forged_size(tar({"a": b"x"}, ""), b"\x80" + bytes(3) + (2**63 - 1).to_bytes(8, "big")), lambda _: None)


def test_a_negative_size_is_refused(take):
    with pytest.raises(DataError, match="is said to have -1 bytes"):
        take(forged_size(tar({"a": b"x"}, ""), b"\xff" * 12))


def forge_zip_size(content: bytes, size: int) -> bytes:
    """A zip whose directory claims another unpacked size of its first entry."""
    at = content.index(b"PK\x01\x02") + 24
    return content[:at] + struct.pack("<I", size) + content[at + 4 :]


@pytest.mark.parametrize("size", [10, 5000])
def test_a_zip_that_lies_about_sizes_is_refused(take, size):
    with pytest.raises(DataError, match=r"no complete zip archive \(Bad CRC|is said to have 5,000 bytes and has 1000"):
        take(forge_zip_size(make_zip({"a": b"x" * 1000}), size))


def test_an_encrypted_or_oddly_packed_zip_is_refused(take):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a", bytes(1000))
    with pytest.raises(DataError, match="by a method other than deflate"):
        take(buffer.getvalue())
    content = bytearray(make_zip({"a": b"x"}))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(DataError, match="is encrypted"):
        take(bytes(content))


def test_a_zip_with_a_huge_directory_is_not_loaded(take, monkeypatch):
    monkeypatch.setattr("catscale.recipes.unpack.DIRECTORY_BYTES", 2000)
    with pytest.raises(DataError, match="has a directory of more than 2,000 bytes"):
        take(make_zip({f"member-{n}": b"" for n in range(50)}))


def test_a_disk_without_room_is_said_before_unpacking(take, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=10))
    with pytest.raises(DataError, match=r"unpacking archive needs 1.0 kB"):
        take(make_zip({"a": bytes(1000)}))


@pytest.mark.parametrize("compression", ["gz", "bz2", "xz"])
def test_a_cut_archive_is_refused(take, compression):
    whole = tar({"a": os.urandom(50_000), "b": os.urandom(50_000)}, compression)
    with pytest.raises(DataError, match=r"is damaged|no complete tar"):
        take(whole[:60_000])


def test_an_archive_whose_own_checksum_is_wrong_is_refused(take):
    content = bytearray(tar({"a": b"x" * 1000}))
    content[-8] ^= 1  # the CRC of the gzip file
    with pytest.raises(DataError, match="is damaged"):
        take(bytes(content))


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 nor this", b"\x1f\x8bnor this"])
def test_what_is_no_archive_is_refused(take, content):
    with pytest.raises(DataError, match=r"no complete|is damaged"):
        take(content)


def test_a_sparse_file_is_refused(take):
    info = tarfile.TarInfo("a")
    info.pax_headers = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.map": "0,1",
                        "GNU.sparse.size": "1000000", "GNU.sparse.name": "a"}  # fmt: skip
    info.size = 1
    with pytest.raises(DataError, match="sparse file"):
        take(make_tar([(info, b"x")]))


NAMES = st.text(st.sampled_from("aA./\\\u00e9e\u0301 "), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(NAMES, max_size=4))
def test_whatever_the_names_nothing_is_written_outside_or_twice(tmp_path_factory, names):
    root = tmp_path_factory.mktemp("any")
    (root / "out").mkdir()
    (root / "archive").write_bytes(tar([(name, name.encode()) for name in names], ""))
    try:
        taken = unpack(root / "archive", root / "out", lambda name: name, WIDE)
    except (DataError, OSError):
        taken = None
    assert sorted(path.name for path in root.iterdir()) == ["archive", "out"]
    if taken is not None:
        assert sorted(contents(root / "out")) == sorted(taken)
