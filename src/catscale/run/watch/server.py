"""The server of `catscale watch`: one page and its data, on this machine alone, reading and nothing else."""

import json
import secrets
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files

from catscale.errors import CatscaleError
from catscale.run.watch.view import Watched
from catscale.system.console.messages import Say
from catscale.system.console.safe_text import for_terminal

ADDRESS = "127.0.0.1"
FRESH = 1.0
"""Seconds for which a look at the folder is handed out again."""
POLICY = (
    "default-src 'none'; script-src 'nonce-{0}'; style-src 'nonce-{0}'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Server(ThreadingHTTPServer):
    """Serves a page on loopback.

    Args:
        watched: Gives the data.
        port: 0 for any that is free.
    """

    daemon_threads = True

    def __init__(self, watched: Watched, port: int) -> None:
        super().__init__((ADDRESS, port), Handler)
        self._watched, self._lock = watched, threading.Lock()
        self._latest, self._looked = b"", float("-inf")
        self.hosts = {f"{name}:{self.server_port}" for name in (ADDRESS, "localhost")}
        self.page = files("catscale.report").joinpath("assets/watch.html").read_text(encoding="utf-8")

    def state(self) -> bytes:
        """Return the data as JSON, at most `FRESH` seconds old."""
        with self._lock:
            if time.monotonic() - self._looked > FRESH:
                self._latest, self._looked = self._look(), time.monotonic()
            return self._latest

    def _look(self) -> bytes:
        try:
            return json.dumps(self._watched.look(), allow_nan=False).encode()
        except Exception as error:  # a page that gets no answer could not say why
            return json.dumps({"error": for_terminal(str(error) or type(error).__name__)}).encode()

    def handle_error(self, request: object, client_address: object) -> None:
        """Pass over a browser that has gone."""


class Handler(BaseHTTPRequestHandler):
    """Answers `GET /` and `GET /state.json`, where the browser was sent here by our own address."""

    server: Server
    server_version, sys_version = "catscale", ""
    timeout = 10

    def do_GET(self) -> None:
        """Send the page or its data."""
        if self.headers.get_all("Host", []) not in [[host] for host in self.server.hosts]:
            self.send_error(HTTPStatus.FORBIDDEN, "open the page by the address that catscale watch printed")
        elif self.path == "/":
            nonce = secrets.token_urlsafe(16)
            self._send(self.server.page.replace("{{nonce}}", nonce).encode(), "text/html; charset=utf-8", nonce)
        elif self.path == "/state.json":
            self._send(self.server.state(), "application/json", "none")
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _send(self, content: bytes, kind: str, nonce: str) -> None:
        self.send_response(HTTPStatus.OK)
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(content)),
            "Content-Security-Policy": POLICY.format(nonce),
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        """Say nothing: every look of the page would be a line."""


def serve(watched: Watched, port: int, say: Say) -> None:
    """Serve until Ctrl-C, or a signal that stands for it.

    Args:
        watched: The runs to show.
        port: 0 for any that is free.
        say: Receives the address.

    Raises:
        CatscaleError: If the port is taken.
    """
    try:
        server = Server(watched, port)
    except OSError as error:
        raise CatscaleError(
            f"port {port} of {ADDRESS} cannot be used ({error.strerror}); choose another with --port, or leave it out"
        ) from error
    with server:
        say(f"http://{ADDRESS}:{server.server_port}/  shows {watched.folder}, on this machine alone; Ctrl-C ends it")
        server.serve_forever(poll_interval=0.2)
