"""A tiny web server for script tests: one page, the portal's modules, and answers by path."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

SCRIPTS = Path(__file__).resolve().parents[2] / "saas" / "static" / "js"
POLICY = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the browser sent."""

    method: str
    headers: dict[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Answer:
    body: str = ""
    status: int = 200
    kind: str = "text/html; charset=utf-8"
    policy: str = POLICY

    @classmethod
    def json(cls, content: dict[str, Any]) -> "Answer":
        return cls(json.dumps(content), kind="application/json")


@dataclass(slots=True)
class Site:
    """The page that is shown at `/`, and what other paths answer."""

    url: str
    page: str = ""
    answers: dict[str, Callable[[Asked], Answer]] = field(default_factory=dict)

    def answer(self, path: str, asked: Asked) -> Answer:
        if path in self.answers:
            return self.answers[path](asked)
        if path.startswith("/js/"):
            return Answer((SCRIPTS / path[4:]).read_text(), kind="text/javascript")
        return Answer(self.page) if path == "/" else Answer(status=204)


@contextmanager
def serving() -> Iterator[Site]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    site = Site(f"http://127.0.0.1:{server.server_port}")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, headers, self.rfile.read(length).decode())
            self.reply(site.answer(self.path.partition("?")[0], asked))

        do_POST = do_GET

        def reply(self, answer: Answer) -> None:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Security-Policy", answer.policy)
            self.end_headers()
            self.wfile.write(answer.body.encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet: pytest shows what fails."""

    server.RequestHandlerClass = Handler
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
