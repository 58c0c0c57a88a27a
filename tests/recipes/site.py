"""A web server on this machine that misbehaves as it is told."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Request:
    """What was asked, and what was answered."""

    path: str
    range: str | None
    if_range: str | None
    status: int = 0
    sent: int = 0


@dataclass
class Site:
    """Files by path, and what to do with the next requests of each.

    A plan is a list of: ("break", n) send n bytes and hang up; ("status", code, headers); ("ignore range",);
    ("wrong range",); ("no length",); ("redirect", address). After it, and with ("fine",), the server behaves.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    plans: dict[str, list[tuple]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    tags: dict[str, str | None] = field(default_factory=dict)
    address: str = ""

    def put(self, name: str, content: bytes, *plan: tuple) -> str:
        """Offer a file; returns its address."""
        self.files[f"/{name}"] = content
        self.plans[f"/{name}"] = list(plan)
        return f"{self.address}/{name}"

    def tag(self, path: str) -> str | None:
        return self.tags.get(path, '"' + hashlib.md5(self.files[path]).hexdigest() + '"')

    def sent(self, name: str) -> int:
        """Bytes of a file that were sent in all."""
        return sum(request.sent for request in self.requests if request.path == f"/{name}")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        request = Request(self.path, self.headers.get("Range"), self.headers.get("If-Range"))
        self.site.requests.append(request)
        plan = self.site.plans.get(self.path, [])
        action = plan.pop(0) if plan else ("fine",)
        if action[0] == "status" or self.path not in self.site.files:
            code, headers = action[1:] if action[0] == "status" else (404, {})
            self._answer(request, code, headers, b"")
        elif action[0] == "redirect":
            self._answer(request, 302, {"Location": action[1]}, b"")
        else:
            self._send_file(request, action)

    def _send_file(self, request: Request, action: tuple) -> None:
        content, tag = self.site.files[self.path], self.site.tag(self.path)
        start = 0
        if request.range and action[0] != "ignore range" and request.if_range == tag:
            start = int(request.range.removeprefix("bytes=").rstrip("-"))
        headers = {"ETag": tag} if tag else {}
        if start >= len(content) and start:
            self._answer(request, 416, {"Content-Range": f"bytes */{len(content)}"}, b"")
            return
        if start:
            first = start + 1 if action[0] == "wrong range" else start
            headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
        body = content[start:]
        cut = action[1] if action[0] == "break" else len(body)
        self._answer(request, 206 if start else 200, headers, body, cut, action[0] != "no length")

    def _answer(
        self, request: Request, code: int, headers: dict, body: bytes, cut: int | None = None, length: bool = True
    ) -> None:
        request.status = code
        self.send_response(code)
        for key, value in headers.items():
            self.send_header(key, value)
        if length:
            self.send_header("Content-Length", str(len(body)))
        else:
            self.send_header("Connection", "close")
        self.end_headers()
        part = body[:cut]
        request.sent += len(part)
        try:
            self.wfile.write(part)
        except ConnectionError:  # the other side has seen enough
            self.close_connection = True
        if len(part) < len(body):
            self.wfile.flush()
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serve() -> Iterator[Site]:
    site = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"site": site}))
    site.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
