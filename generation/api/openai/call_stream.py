"""Calls of functions in a text that is still being written, in the deltas that clients join."""

import hashlib
import re
from typing import Any

from generation.engine.calls import ARGUMENTS, BEGIN, END
from generation.engine.types import FunctionCall

HEAD = re.compile(r'\{"name": "([^"]{1,64})", ' + re.escape(ARGUMENTS))
TAIL = "}" + END


def call_id(job: str, index: int, number: int) -> str:
    """The same whenever the same answer is told."""
    return "call_" + hashlib.sha256(f"{job}:{index}:{number}".encode()).hexdigest()[:24]


def calls_to_json(called: list[FunctionCall], job: str, index: int) -> list[dict[str, Any]]:
    """The calls of a whole answer."""
    return [
        {
            "id": call_id(job, index, number),
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for number, call in enumerate(called)
    ]


class CallStream:
    """One choice's text: what stands before a call goes on as text, a call as a call."""

    def __init__(self, job: str, index: int) -> None:
        self.job, self.index = job, index
        self.held = ""
        self.called = 0
        self.inside = self.named = False

    def more(self, text: str) -> list[dict[str, Any]]:
        """The deltas that more text leads to."""
        self.held += text
        found: list[dict[str, Any]] = []
        while delta := self._next():
            found.append(delta)
        return found

    def rest(self) -> list[dict[str, Any]]:
        """What was held back in case that a call would begin with it."""
        held, self.held = self.held, ""
        if not held or (self.inside and self.named):
            return []
        return [{"content": (BEGIN if self.inside else "") + held}]

    def _next(self) -> dict[str, Any] | None:
        if not self.inside:
            return self._text()
        return self._arguments() if self.named else self._name()

    def _text(self) -> dict[str, Any] | None:
        before, begins, after = self.held.partition(BEGIN)
        if begins:
            self.inside, self.held = True, after
            return {"content": before} if before else self._next()
        safe = len(self.held) - held_back(self.held, BEGIN)
        text, self.held = self.held[:safe], self.held[safe:]
        return {"content": text} if text else None

    def _name(self) -> dict[str, Any] | None:
        found = HEAD.match(self.held)
        if found is None:
            return None
        self.held, self.named = self.held[found.end() :], True
        self.called += 1
        function = {"name": found[1], "arguments": ""}
        identity = {"id": call_id(self.job, self.index, self.called - 1), "type": "function"}
        return self._delta(function, identity)

    def _arguments(self) -> dict[str, Any] | None:
        before, ends, after = self.held.partition(TAIL)
        if ends:
            self.held, self.inside, self.named = after, False, False
            return self._delta({"arguments": before}, {})
        safe = len(self.held) - held_back(self.held, TAIL)
        text, self.held = self.held[:safe], self.held[safe:]
        return self._delta({"arguments": text}, {}) if text else None

    def _delta(self, function: dict[str, str], identity: dict[str, str]) -> dict[str, Any]:
        place = self.called - 1
        return {"tool_calls": [{"index": place, **identity, "function": function}]}


def held_back(text: str, mark: str) -> int:
    """How many characters at the end of the text may be the beginning of the mark."""
    longest = min(len(mark) - 1, len(text))
    return next((size for size in range(longest, 0, -1) if mark.startswith(text[-size:])), 0)
