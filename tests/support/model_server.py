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

    def answer(self, call: Call) -> tuple[int, bytes] | None:
        """An answer that is no stream; None where the text follows."""
        if self.key and call.key != self.key:
            return 401, b"who are you?"
        return (self.status, b"no") if self.status != 200 else None

    def asked(self) -> list[Call]:
        return [call for call in self.calls if call.path.endswith("completions")]

    def names(self) -> list[str]:
        """What GET /v1/models lists."""
        return []

    def frames(self, call: Call) -> Iterator[bytes]:
        """The answer's events, one by one."""
        for word in self.words:
            time.sleep(self.pause_s)
            yield frame({"choices": [{"delta": {"content": word}, "text": word}]})
        yield frame({"choices": [], "usage": self.usage})
        yield b"data: [DONE]\n\n"


@dataclass(slots=True)
class LoraServer(ModelServer):
    """A vLLM that loads adapters at run time. `diary` has what happened, in order."""

    loaded: dict[str, str] = field(default_factory=dict)
    diary: list[tuple[str, str]] = field(default_factory=list)

    def names(self) -> list[str]:
        return list(self.loaded)

    def answer(self, call: Call) -> tuple[int, bytes] | None:
        name = call.body.get("lora_name", "")
        if call.path.endswith("/load_lora_adapter"):
            return self.load(name, call.body["lora_path"])
        if call.path.endswith("/unload_lora_adapter"):
            self.diary.append(("unload", name))
            return (200, b"ok") if self.loaded.pop(name, None) else (404, b"cannot be found")
        if call.body["model"] not in {"base", *self.loaded}:
            self.diary.append(("missing", call.body["model"]))
            return 404, b"no such model"
        return ModelServer.answer(self, call)

    def load(self, name: str, path: str) -> tuple[int, bytes]:
        time.sleep(self.pause_s)
        self.diary.append(("load", name))
        if name in self.loaded:
            return 400, f"The lora adapter '{name}' has already been loaded.".encode()
        self.loaded[name] = path
        return 200, b"ok"

    def frames(self, call: Call) -> Iterator[bytes]:
        name = call.body["model"]
        self.diary.append(("begin", name))
        yield from ModelServer.frames(self, call)
        self.diary.append(("end", name))


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
        if found := self.model.answer(call):
            self.reply(*found)
        else:
            self.stream(call)

    def do_GET(self) -> None:
        names = [{"id": name} for name in self.model.names()]
        self.reply(200, json.dumps({"data": names}).encode())

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
