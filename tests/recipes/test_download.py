import http.client
import resource
import shutil
import socket
import ssl
import threading
import urllib.request
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from urllib.error import URLError

import pytest

from catscale.errors import CatscaleError, DataError
from catscale.recipes import http_watch
from catscale.recipes.download import download
from catscale.recipes.patience import Patience

CONTENT = bytes(range(256)) * 4000
QUICK = Patience(tries=3, wait=0.01, longest=0.02, timeout=5)


def get(url, part, size=None, said=None, patience=QUICK):
    download(url, part, size, (said if said is not None else []).append, patience)
    return part.read_bytes()


def test_a_file_comes_whole(site, tmp_path):
    assert get(site.put("f", CONTENT), tmp_path / "f.part", len(CONTENT)) == CONTENT
    assert site.sent("f") == len(CONTENT)


def test_a_broken_download_goes_on_where_it_stopped(site, tmp_path):
    url = site.put("f", CONTENT, ("break", 300_000), ("break", 200_000))
    said: list[str] = []
    assert get(url, tmp_path / "f.part", None, said) == CONTENT
    assert [request.range for request in site.requests] == [None, "bytes=300000-", "bytes=500000-"]
    assert [request.status for request in site.requests] == [200, 206, 206]
    assert site.sent("f") == len(CONTENT)  # no byte came twice
    assert "broke off after 300 kB of 1.0 MB; trying again" in said[0]


def test_a_killed_download_goes_on_in_the_next_process(site, tmp_path):
    url = site.put("f", CONTENT, ("break", 300_000))
    with pytest.raises(DataError, match="broke off"):
        get(url, tmp_path / "f.part", None, patience=Patience(tries=1, wait=0))
    assert (tmp_path / "f.part").stat().st_size == 300_000
    assert get(url, tmp_path / "f.part") == CONTENT
    assert site.sent("f") == len(CONTENT)


def test_a_finished_part_is_not_asked_for_again(site, tmp_path):
    url = site.put("f", CONTENT)
    get(url, tmp_path / "f.part", len(CONTENT))
    get(url, tmp_path / "f.part", len(CONTENT))
    assert len(site.requests) == 1
    assert get(url, tmp_path / "f.part") == CONTENT  # without a known length the server says that it is whole
    assert [request.status for request in site.requests] == [200, 416]
    assert site.sent("f") == len(CONTENT)


def test_a_server_without_ranges_starts_over(site, tmp_path):
    url = site.put("f", CONTENT, ("break", 300_000), ("ignore range",))
    assert get(url, tmp_path / "f.part") == CONTENT
    assert [request.status for request in site.requests] == [200, 200]


def test_another_part_than_was_asked_for_is_not_used(site, tmp_path):
    url = site.put("f", CONTENT, ("break", 300_000), ("wrong range",))
    assert get(url, tmp_path / "f.part") == CONTENT
    assert [request.status for request in site.requests] == [200, 206, 200]


def test_a_file_that_changed_meanwhile_starts_over(site, tmp_path):
    url = site.put("f", CONTENT, ("break", 300_000))
    with pytest.raises(DataError, match="broke off"):
        get(url, tmp_path / "f.part", patience=Patience(tries=1))
    other = CONTENT[::-1]
    site.put("f", other)
    assert get(url, tmp_path / "f.part") == other
    assert site.requests[-1].range == "bytes=300000-"
    assert site.requests[-1].status == 200


@pytest.mark.parametrize("tag", [None, 'W/"1"'])
def test_without_a_strong_version_nothing_is_pieced_together(site, tmp_path, tag):
    site.tags["/f"] = tag
    assert get(site.put("f", CONTENT, ("break", 300_000)), tmp_path / "f.part") == CONTENT
    assert [request.range for request in site.requests] == [None, None]


def test_a_part_of_another_address_is_not_gone_on_with(site, tmp_path):
    with pytest.raises(DataError):
        get(site.put("old", CONTENT, ("break", 300_000)), tmp_path / "f.part", patience=Patience(tries=1))
    assert get(site.put("new", CONTENT), tmp_path / "f.part") == CONTENT
    assert site.requests[-1].range is None


def test_passing_trouble_is_waited_for(site, tmp_path):
    said: list[str] = []
    url = site.put("f", CONTENT, ("status", 500, {}), ("status", 503, {"Retry-After": "1000"}))
    assert get(url, tmp_path / "f.part", None, said) == CONTENT
    assert [line.partition(";")[0] for line in said] == ["f: 500 Internal Server Error", "f: 503 Service Unavailable"]


def test_trouble_that_does_not_pass_is_said(site, tmp_path):
    url = site.put("f", CONTENT, *[("status", 500, {})] * 5)
    with pytest.raises(
        DataError, match=r"could not be downloaded: 500 Internal Server Error \(3 tries without enough\)"
    ):
        get(url, tmp_path / "f.part")
    assert len(site.requests) == 3


@pytest.mark.parametrize("code", [401, 403, 404, 410])
def test_a_refusal_is_final_and_says_what_to_do(site, tmp_path, code):
    url = site.put("f", CONTENT, ("status", code, {}))
    with pytest.raises(DataError, match=rf"{url} is not to be had: {code}.*by --recipes.*as .*f\b"):
        get(url, tmp_path / "f.part")
    assert len(site.requests) == 1


def test_nobody_answers(tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(DataError, match=rf"cannot reach 127.0.0.1:{port} \(.*refused"):
        get(f"http://127.0.0.1:{port}/f", tmp_path / "f.part")


def test_a_silent_server_is_not_waited_for_for_ever(tmp_path):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(DataError, match="timed out"):
            get(f"http://127.0.0.1:{silent.getsockname()[1]}/f", tmp_path / "f.part", patience=Patience(2, 0, 0, 0.05))


def test_an_unverified_certificate_is_refused(site, tmp_path, monkeypatch):
    def open_it(*_, **__):
        error = ssl.SSLCertVerificationError("certificate verify failed")
        error.verify_message = "self-signed certificate"
        raise URLError(error)

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", open_it)
    with pytest.raises(DataError, match=r"the certificate of a.b could not be verified: self-signed certificate"):
        get("https://a.b/f", tmp_path / "f.part")


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://example.org/f"])
def test_a_redirection_to_another_scheme_is_not_followed(site, tmp_path, target):
    url = site.put("f", CONTENT, ("redirect", target))
    with pytest.raises(DataError, match=r"leads to .*, which is not safe to follow|is not to be had: .*not allowed"):
        get(url, tmp_path / "f.part")


def test_a_redirection_is_followed(site, tmp_path):
    url = site.put("f", b"", ("redirect", site.put("g", CONTENT)))
    assert get(url, tmp_path / "f.part") == CONTENT


def test_another_length_than_the_recipe_s_stops_at_once(site, tmp_path):
    url = site.put("f", CONTENT)
    with pytest.raises(DataError, match="has 1,024,000 bytes and the recipe says 5"):
        get(url, tmp_path / "f.part", 5)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_is_said_before_the_download(site, tmp_path, monkeypatch):
    url = site.put("f", CONTENT)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(DataError, match=r"downloading f needs 1.0 MB and .* has 1.0 kB free; make room"):
        get(url, tmp_path / "f.part")
    assert not (tmp_path / "f.part").exists()


def test_a_disk_that_fills_up_is_said(site, tmp_path):
    url, before = site.put("f", CONTENT), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, before[1]))  # the system refuses to let a file grow further
    try:
        with pytest.raises(CatscaleError, match=r"cannot write .*f.part: File too large; check .*the free space"):
            get(url, tmp_path / "f.part")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert get(url, tmp_path / "f.part") == CONTENT
    assert site.requests[-1].range == "bytes=500000-"  # what was written is kept


def test_more_bytes_than_the_recipe_says_are_not_kept(site, tmp_path):
    url = site.put("f", CONTENT, ("no length",))
    with pytest.raises(DataError, match=r"has more than the 500,000 bytes that the recipe says, and was not kept"):
        get(url, tmp_path / "f.part", 500_000)
    assert list(tmp_path.iterdir()) == []


def test_a_shorter_file_than_the_recipe_says_is_not_taken_for_whole(site, tmp_path):
    url = site.put("f", CONTENT, ("no length",))
    said: list[str] = []
    with pytest.raises(DataError, match=r"has 1,024,000 bytes and the recipe says 2,000,000"):
        get(url, tmp_path / "f.part", 2_000_000, said)
    assert "broke off after 1.0 MB of 2.0 MB" in said[0]
    assert list(tmp_path.iterdir()) == []


@contextmanager
def raw_server(answer, pause=0.0):
    """A server that sends an answer byte by byte, with a pause between, to everybody who asks."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        stop = threading.Event()

        def serve():
            while not stop.is_set():
                with suppress(OSError):
                    connection, _ = listening.accept()
                    with connection:
                        connection.recv(4096)
                        for start in range(0, len(answer), 1 if pause else len(answer)):
                            connection.sendall(answer[start : start + 1] if pause else answer)
                            if stop.wait(pause):
                                break

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/f"
        finally:
            stop.set()
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)


HEAD = b"HTTP/1.1 200 OK\r\n"
IMPATIENT = Patience(tries=2, wait=0, longest=0, timeout=2, slowest=1000, window=0.3)


def test_a_byte_now_and_then_is_not_waited_for_for_ever(tmp_path):
    """Each comes before the timeout; the rate is what ends it, and a slow try is no progress."""
    with raw_server(HEAD + b'ETag: "x"\r\nContent-Length: 1000\r\n\r\n' + b"x" * 1000, pause=0.002) as url:
        said: list[str] = []
        with pytest.raises(DataError, match=r"only \d+ bytes came in 0 s \(2 tries without enough\)"):
            get(url, tmp_path / "f.part", None, said, IMPATIENT)
    assert len(said) == 1
    assert (tmp_path / "f.part").stat().st_size > 0  # what came is kept


def test_headers_that_drip_are_not_waited_for_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(http_watch, "HEADER_SECONDS", 0.2)
    with (
        raw_server(HEAD + b"X: " + b"y" * 2000, pause=0.01) as url,
        pytest.raises(DataError, match=r"head took more than 0\.2 s"),
    ):
        get(url, tmp_path / "f.part", patience=Patience(tries=1, wait=0, timeout=5))


@pytest.mark.parametrize("error", [ConnectionResetError("reset"), http.client.BadStatusLine("HT")])
def test_a_cut_that_shows_as_an_error_is_told_as_lateness(monkeypatch, error):
    """The server's next bytes may reset the connection before the cut is read as the end of the head."""

    def read_late(connection):
        connection._cut()
        raise error

    monkeypatch.setattr(http.client.HTTPConnection, "getresponse", read_late)
    with pytest.raises(ConnectionError, match="head took more than 120 s"):
        http_watch._Watched("127.0.0.1").getresponse()
    monkeypatch.setattr(http.client.HTTPConnection, "getresponse", lambda connection: (_ for _ in ()).throw(error))
    with pytest.raises(type(error), match=str(error)):
        http_watch._Watched("127.0.0.1").getresponse()


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: " + b"9" * 5000,
        "Content-Length: ٣".encode(),
        b"Content-Length: -5",
        b"Content-Length: 4\r\nContent-Length: 4",
    ],
)
def test_a_length_that_is_none(tmp_path, head):
    """It is left out of account, and no number that Python refuses to read."""
    with raw_server(HEAD + head + b"\r\nConnection: close\r\n\r\nbody") as url:
        assert get(url, tmp_path / "f.part", patience=Patience(tries=1, wait=0, timeout=2)) == b"body"


@pytest.mark.parametrize("status", ["206", "416", "503"])
@pytest.mark.parametrize("header", ["Content-Range: bytes {}-/{}", "Retry-After: {}", "Content-Range: x"])
def test_numbers_of_other_headers(tmp_path, status, header):
    text = f"HTTP/1.1 {status} X\r\n{header.format('9' * 5000, '9' * 5000)}\r\nContent-Length: 0\r\n\r\n"
    with raw_server(text.encode()) as url, pytest.raises(DataError, match="could not be downloaded"):
        get(url, tmp_path / "f.part", patience=Patience(tries=2, wait=0, longest=0, timeout=2))


@pytest.mark.parametrize(
    "target",
    [
        "http://[", "http://127.0.0.1:99999/x", "http://127.0.0.1:port/", "http://" + "a" * 70 + ".example/", "http:///x",
        "http://\x00/", "http://[::1%25/", "http://user@/",
    ],
)  # fmt: skip
def test_a_redirection_to_no_address(site, tmp_path, target):
    url = site.put("f", CONTENT, *[("redirect", target)] * 3)
    with pytest.raises(DataError):
        get(url, tmp_path / "f.part", patience=Patience(tries=1, wait=0, timeout=1))


def test_redirections_in_a_circle(site, tmp_path):
    url = site.put("f", CONTENT, *[("redirect", f"{site.address}/f")] * 50)
    with pytest.raises(DataError, match="f"):
        get(url, tmp_path / "f.part", patience=Patience(tries=1, wait=0))


def test_an_answer_that_breaks_off_in_its_head_is_no_file(tmp_path):
    with raw_server(HEAD + b"Server: x\r\nContent-Le") as url, pytest.raises(DataError, match="the answer was empty"):
        get(url, tmp_path / "f.part", patience=Patience(tries=1, wait=0, timeout=2))
