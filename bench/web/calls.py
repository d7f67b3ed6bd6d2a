"""What is called, how it is timed, and what it may take."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Literal
from uuid import uuid4

from bench.web.server import PORT, Processes
from bench.web.workspace import Workspace

WARM_UP = 10
# What Django says around a transaction's own statements.
AROUND = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")


@dataclass(frozen=True, slots=True)
class Budget:
    """The server's milliseconds, as the median and as the 95th of a hundred."""

    p50: float
    p95: float


PAGE = Budget(25, 60)
READ = Budget(12, 30)
NONE = Budget(float("inf"), float("inf"))


@dataclass(frozen=True, slots=True)
class Call:
    """A request, and the time that it may take; `until` is the last byte or the first text."""

    name: str
    path: str
    budget: Budget
    method: str = "GET"
    body: Mapping[str, Any] | None = None
    until: Literal["end", "text"] = "end"
    times: int = 200

    @property
    def for_programs(self) -> bool:
        return self.path.startswith(("/api/", "/v1/"))

    @property
    def sent(self) -> str:
        """The body; a # in it is another word each time."""
        return json.dumps(self.body).replace("#", uuid4().hex) if self.body else ""

    def headers(self, workspace: Workspace) -> dict[str, str]:
        if not self.for_programs:
            return {"Cookie": f"sessionid={workspace.session}"}
        kind = {"Content-Type": "application/json"} if self.body else {}
        return {"Authorization": f"Bearer {workspace.key}", **kind}


def calls(workspace: Workspace) -> list[Call]:
    portal, api = f"/w/{workspace.slug}", "/api/v1"
    chat = {
        "model": "kindling",
        "messages": [{"role": "user", "content": "A headline for a lamp."}],
        "max_tokens": 8,
        "stream": True,
    }
    return [
        Call("home", f"{portal}/", PAGE),
        Call("library, 10,000 contents", f"{portal}/library/", PAGE),
        Call("library, a search", f"{portal}/library/?q=softly+42", PAGE),
        Call("a brief, 3 variants", f"{portal}/briefs/{workspace.brief}/", PAGE),
        Call("a content", f"{portal}/library/{workspace.content}/", PAGE),
        Call("write", f"{portal}/write/", PAGE),
        Call("write, the form of an ad", f"{portal}/write/search_ad/", PAGE),
        Call("bulk writing", f"{portal}/write/bulk/", PAGE),
        Call("brands", f"{portal}/brands/", PAGE),
        Call("jobs", f"{portal}/jobs/", PAGE),
        Call("usage", f"{portal}/usage/", PAGE),
        Call("models", f"{portal}/teach/models/", PAGE),
        Call("datasets", f"{portal}/teach/datasets/", PAGE),
        Call("recommend", f"{portal}/recommend/", PAGE),
        Call("team", f"{portal}/settings/team/", PAGE),
        Call("API keys", f"{portal}/settings/api-keys/", PAGE),
        Call("audit log", f"{portal}/settings/audit/", PAGE),
        Call("GET me", f"{api}/me", READ),
        Call("GET a brand list", f"{api}/brands", READ),
        Call("GET a content", f"{api}/contents/{workspace.content}", READ),
        Call("GET 20 of 10,000 contents", f"{api}/contents?limit=20", READ),
        Call("GET a brief", f"{api}/briefs/{workspace.brief}", READ),
        Call("POST an audience", f"{api}/audiences", NONE, "POST", {"name": "Smiths #"}),
        Call("first text of a chat", "/v1/chat/completions", NONE, "POST", chat, "text", 50),
    ]


@dataclass(slots=True)
class Timing:
    """What one call took: milliseconds of each turn; CPU milliseconds a turn."""

    call: Call
    took: list[float] = field(default_factory=list)
    web_cpu: float = 0.0
    database_cpu: float = 0.0

    def quantile(self, share: float) -> float:
        return sorted(self.took)[ceil(share * len(self.took)) - 1]

    @property
    def fits(self) -> bool:
        budget = self.call.budget
        return self.quantile(0.5) <= budget.p50 and self.quantile(0.95) <= budget.p95


def timed(call: Call, workspace: Workspace, processes: Processes) -> Timing:
    """One after another over one connection that stays open."""
    timing = Timing(call)
    line = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
    headers = call.headers(workspace)
    for _ in range(WARM_UP):
        once(line, call, headers)
    web, database = processes.cpu()
    for _ in range(call.times):
        timing.took.append(once(line, call, headers))
    web_after, database_after = processes.cpu()
    timing.web_cpu = 1000 * (web_after - web) / call.times
    timing.database_cpu = 1000 * (database_after - database) / call.times
    line.close()
    return timing


def statements(call: Call, workspace: Workspace) -> int:
    """How many the request sends to Postgres, BEGINs and scopes apart; a stream's are its job's."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    if call.until == "text":
        return 0
    client = Client(SERVER_NAME="localhost", headers=call.headers(workspace))
    for _ in range(2):  # the first fills the caches
        with CaptureQueriesContext(connection) as caught:
            client.generic(call.method, call.path, call.sent, "application/json")
    sent = [query["sql"] for query in caught.captured_queries]
    return sum(not sql.startswith(AROUND) for sql in sent)


def once(line: http.client.HTTPConnection, call: Call, headers: Mapping[str, str]) -> float:
    """Milliseconds from the request to the last byte, or to a stream's first text."""
    body = call.sent or None
    began = time.perf_counter()
    line.request(call.method, call.path, body=body, headers=dict(headers))
    response = line.getresponse()
    if response.status not in {200, 201}:
        raise RuntimeError(f"{call.name}: {response.status} {response.read(500)!r}")
    if call.until == "text":
        first_text(response)
    took = time.perf_counter() - began
    response.read()
    return 1000 * (time.perf_counter() - began if call.until == "end" else took)


def first_text(response: http.client.HTTPResponse) -> None:
    for line in response:
        if line.startswith(b"data: {") and json.loads(line[6:])["choices"][0]["delta"].get(
            "content"
        ):
            return
    raise RuntimeError("The stream ended without a text.")
