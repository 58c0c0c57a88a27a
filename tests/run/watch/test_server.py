"""The server of the live page: what it gives, and what it refuses."""

import http.client
import json
import shutil
import threading
from collections.abc import Iterator

import pytest

from catscale.errors import CatscaleError
from catscale.run.watch.server import Server, serve
from catscale.run.watch.view import Watched

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")


def test_whatever_goes_wrong_is_said_on_the_page(sweep, monkeypatch):
    watched = Watched(sweep)
    monkeypatch.setattr(watched, "look", lambda: {"runs": float("inf")})
    with Server(watched, 0) as server:
        assert "not JSON compliant" in json.loads(server.state())["error"]


@pytest.fixture
def server(sweep) -> Iterator[Server]:
    with Server(Watched(sweep), 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(server: Server, path: str, method: str = "GET", host: str | None = None) -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", host or f"127.0.0.1:{server.server_port}")
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, answer.read(), dict(answer.getheaders())


def test_the_page_and_its_data_are_all_there_is(server):
    status, page, headers = ask(server, "/")
    assert status == 200
    nonce = headers["Content-Security-Policy"].partition("'nonce-")[2].partition("'")[0]
    assert page.count(f'nonce="{nonce}"'.encode()) == 2
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert ask(server, "/")[2]["Content-Security-Policy"] != headers["Content-Security-Policy"]
    status, data, _ = ask(server, "/state.json")
    assert (status, len(json.loads(data)["runs"])) == (200, 3)
    for path in ("/config.yaml", "/T=1/", "/../../etc/passwd", "/state.json?x", "/%2e%2e/", "*"):
        assert ask(server, path)[0] == 404
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "HEAD"):
        assert ask(server, "/", method)[0] == 501


def test_it_listens_on_loopback_and_answers_to_its_own_name(server):
    """A page elsewhere whose name leads here (DNS rebinding) is refused."""
    assert server.server_address[0] == "127.0.0.1"
    port = server.server_port
    assert ask(server, "/state.json", host=f"localhost:{port}")[0] == 200
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", f"127.0.0.1:{port}.evil.example", "localhost:1"):
        status, data, _ = ask(server, "/state.json", host=host)
        assert status == 403
        assert b"runs" not in data


def test_a_port_that_is_taken(server, sweep):
    with pytest.raises(CatscaleError, match=rf"port {server.server_port} of 127.0.0.1 cannot be used .* with --port"):
        serve(Watched(sweep), server.server_port, print)


@pytest.mark.skipif(BROWSER is None, reason="apt-get install chromium: the page is tested in it")
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_draws_itself_quietly_and_refreshes(server, sweep, width):
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": width, "height": 800})
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        page.wait_for_selector("html[data-state=drawn]", state="attached")
        assert page.locator("tbody th").all_inner_texts() == ["T=1/seed-1", "T=5/seed-1", "T=5/seed-2"]
        assert page.locator("svg path.curve").count() == 3
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("tbody tr").first.bounding_box()["height"] < 60
        record = {"kind": "valid", "step": 9, "time": 45.0, "mean": 1.25, "nll": {"en-az": 1.25}}
        with (sweep / "T=5" / "seed-1" / "metrics.jsonl").open("a") as file:
            file.write(json.dumps(record) + "\n")
        page.get_by_text("1.250 at 9").wait_for()
        browser.close()
        assert complaints == []
