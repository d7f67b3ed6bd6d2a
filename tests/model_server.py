"""A model server over real HTTP: OpenAI's stream and vLLM's adapters, with a diary of all calls."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as the server saw it."""

    path: str
    key: str
    body: dict[str, Any]

    @property
    def prompt(self) -> str:
        texts = [turn["content"] for turn in self.body.get("messages", [])]
        return "\n".join([*texts, self.body.get("prompt", "")])


@dataclass(slots=True)
class ModelServer:
    """What it answers can be changed while it runs."""

    url: str = ""
    key: str = ""
    status: int = 200
    words: tuple[str, ...] = ("Hello ", "from ", "afar.")
    pause_s: float = 0.0
    usage: dict[str, Any] = field(
        default_factory=lambda: {"prompt_tokens": 7, "completion_tokens": 3}
    )
    calls: list[Call] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, call: Call) -> None:
        with self.lock:
            self.calls.append(call)

    def asked(self) -> list[Call]:
        return [call for call in self.calls if call.path.endswith("completions")]

    def frames(self, call: Call) -> Iterator[bytes]:
        """The answer's events, one by one."""
        for word in self.words:
            time.sleep(self.pause_s)
            yield frame({"choices": [{"delta": {"content": word}, "text": word}]})
        yield frame({"choices": [], "usage": self.usage})
        yield b"data: [DONE]\n\n"


def frame(chunk: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(chunk)}\n\n".encode()


class Handler(BaseHTTPRequestHandler):
    """Answers in the way that its server's `model_server` says."""

    @property
    def model(self) -> ModelServer:
        found: ModelServer = self.server.model_server  # type: ignore[attr-defined]
        return found

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        key = self.headers.get("Authorization", "").removeprefix("Bearer ")
        call = Call(self.path, key, json.loads(self.rfile.read(length) or b"{}"))
        self.model.note(call)
        if self.model.key and key != self.model.key:
            self.reply(401, b"who are you?")
        elif self.model.status != 200:
            self.reply(self.model.status, b"no")
        else:
            self.stream(call)

    def reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, call: Call) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        try:
            for piece in self.model.frames(call):
                self.wfile.write(piece)
        except (BrokenPipeError, ConnectionResetError):
            return  # the caller went away

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: pytest shows what fails."""


@contextmanager
def model_server(model: ModelServer | None = None) -> Iterator[ModelServer]:
    """A server on a free port of this machine, until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made = model or ModelServer()
    made.url = f"http://127.0.0.1:{server.server_port}/v1"
    server.model_server = made  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
