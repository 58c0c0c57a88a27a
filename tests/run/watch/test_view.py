"""The live page: what it is given, and what its server refuses."""

import http.client
import json
import shutil
import threading
from collections.abc import Iterator

import pytest

from catscale.errors import CatscaleError, ConfigError
from catscale.run.folder.run_lock import hold_lock
from catscale.run.watch.server import Server, serve
from catscale.run.watch.view import Watched
from tests.comparison.fakes import write_run

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture
def sweep(tmp_path):
    """A run that is scored, one that is half done, and one that is planned."""
    root = tmp_path / "sweep"
    training = {"max_steps": 12, "seed": 1}
    for method in ("T=1", "T=5"):
        write_run(root / method / "seed-1", steps=12, dev=0.5, sentences=5, training=training)
    (root / "T=5" / "seed-1" / "scores.json").unlink()
    lines = (root / "T=5" / "seed-1" / "metrics.jsonl").read_text().splitlines()
    last = json.loads(lines[-1]) | {"kind": "valid", "step": 6, "time": 30.0, "mean": 2.5, "nll": {"en-az": 2.5}}
    (root / "T=5" / "seed-1" / "metrics.jsonl").write_text(json.dumps(last) + "\n")
    (root / "T=5" / "seed-2.yaml").write_text("data: {}\n")
    return root


def test_runs_of_a_sweep_and_how_far_they_are(sweep):
    runs = {run["name"]: run for run in Watched(sweep).look()["runs"]}
    assert {name: run["status"] for name, run in runs.items()} == {
        "T=1/seed-1": "scored", "T=5/seed-1": "stopped", "T=5/seed-2": "waiting"
    }  # fmt: skip
    assert runs["T=1/seed-1"]["test"]["bleu"] == pytest.approx(
        json.loads((sweep / "T=1" / "seed-1" / "scores.json").read_text())["averages"]["all"]["bleu"]
    )
    with hold_lock(sweep / "T=5" / "seed-1", "train"):
        run = Watched(sweep).look()["runs"][1]
    assert (run["status"], run["step"], run["max_steps"], run["left"]) == ("training", 6, 12, 30.0)


def test_a_run_alone_is_watched_and_nothing_is_written(sweep):
    run = sweep / "T=1" / "seed-1"
    before = {path: path.stat().st_mtime_ns for path in sweep.rglob("*")}
    found = Watched(run).look()
    assert [item["name"] for item in found["runs"]] == ["seed-1"]
    assert found["title"] == "seed-1"
    assert {path: path.stat().st_mtime_ns for path in sweep.rglob("*")} == before


def test_numbers_without_bounds_are_left_out(sweep):
    run = sweep / "T=5" / "seed-1"
    record = {"kind": "valid", "step": 1, "time": 1e308, "mean": 1e308, "bleu": {"en-az": 1.7e308, "en-be": 1.7e308}}
    (run / "metrics.jsonl").write_text(json.dumps(record) + "\n")
    with hold_lock(run, "train"):
        [shown] = Watched(run).look()["runs"]
    assert (shown["bleu"], shown["valid"], shown["left"]) == ([], [[1, 1e308]], None)
    json.dumps(shown, allow_nan=False)


def test_whatever_goes_wrong_is_said_on_the_page(sweep, monkeypatch):
    watched = Watched(sweep)
    monkeypatch.setattr(watched, "look", lambda: {"runs": float("inf")})
    with Server(watched, 0) as server:
        assert "not JSON compliant" in json.loads(server.state())["error"]


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"is no run and no sweep: there is no config\.yaml in it"):
        Watched(tmp_path)
    with pytest.raises(ConfigError, match="is no folder"):
        Watched(tmp_path / "nothing")


def test_names_cannot_act(sweep):
    (sweep / "T=5" / "seed-1").rename(sweep / "T=5" / "seed-1\x1b[31m<b>")
    name = Watched(sweep).look()["runs"][1]["name"]
    assert "\x1b" not in name


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
