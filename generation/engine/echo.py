"""A deterministic engine for tests: it hands the prompt's words back, in the form asked for."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from generation.engine.calls import text_of
from generation.engine.types import (
    EngineError,
    EngineStats,
    Event,
    Failed,
    Finished,
    Function,
    GenerationRequest,
    Reason,
    Token,
)

BASE_SHA256 = hashlib.sha256(b"echo").hexdigest()
PIECE = re.compile(r"\s*\S+|\s+$")
WORD = re.compile(r"[^\W_]+")

Reply = Callable[[GenerationRequest], str]


@dataclass(slots=True)
class Sequence:
    request: GenerationRequest
    pieces: list[str]
    reason: Reason
    done: int = 0
    cancelled: bool = False

    @property
    def text(self) -> str:
        return "".join(self.pieces[: self.done])


class EchoEngine:
    """`reply` may stand in for the model; an EngineError that it raises becomes Failed."""

    def __init__(self, *, rows: int = 8, reply: Reply | None = None) -> None:
        self.rows_total = rows
        self.reply = reply or answer
        self.sequences: dict[str, Sequence | Failed] = {}
        self.prompt_tokens = self.completion_tokens = 0

    @property
    def free_rows(self) -> int:
        return max(0, self.rows_total - len(self.sequences))

    @property
    def busy(self) -> bool:
        return bool(self.sequences)

    def submit(self, request: GenerationRequest) -> None:
        if request.id in self.sequences:
            raise EngineError("request_duplicate", "This request is already running.")
        try:
            self.sequences[request.id] = begin(request, self.reply(request))
        except EngineError as error:
            self.sequences[request.id] = Failed(request.id, error.code, error.message)

    def cancel(self, request_id: str) -> None:
        seq = self.sequences.get(request_id)
        if isinstance(seq, Sequence):
            seq.cancelled = True

    def step(self) -> list[Event]:
        active = list(itertools.islice(self.sequences.items(), self.rows_total))
        return [event for key, seq in active for event in self.advance(key, seq)]

    def advance(self, key: str, seq: Sequence | Failed) -> list[Event]:
        if isinstance(seq, Failed):
            del self.sequences[key]
            return [seq]
        if seq.cancelled:
            return [self.finish(seq, "cancelled")]
        events: list[Event] = []
        if seq.done < len(seq.pieces):
            events.append(Token(key, seq.pieces[seq.done]))
            seq.done += 1
        if seq.done == len(seq.pieces):
            events.append(self.finish(seq, seq.reason))
        return events

    def finish(self, seq: Sequence, reason: Reason) -> Finished:
        del self.sequences[seq.request.id]
        unread = reason == "cancelled" and not seq.done
        prompt_tokens = 0 if unread else self.count_tokens(prompt_text(seq.request))
        self.prompt_tokens += prompt_tokens
        self.completion_tokens += seq.done
        adapter = seq.request.adapter
        return Finished(
            request_id=seq.request.id,
            text=seq.text,
            reason=reason,
            prompt_tokens=prompt_tokens,
            completion_tokens=seq.done,
            seconds=0.0,
            base_sha256=BASE_SHA256,
            adapter_sha256=adapter.sha256 if adapter else None,
        )

    def count_tokens(self, text: str) -> int:
        return len(PIECE.findall(text))

    def stats(self) -> EngineStats:
        return EngineStats(
            rows_busy=min(len(self.sequences), self.rows_total),
            rows_total=self.rows_total,
            queued=max(0, len(self.sequences) - self.rows_total),
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
        )

    def close(self) -> None:
        self.sequences.clear()


def begin(request: GenerationRequest, text: str) -> Sequence:
    for phrase in request.banned:
        words = rf"(?<![^\W_]){re.escape(phrase)}(?![^\W_])"
        text = re.sub(words, "", text, flags=re.IGNORECASE)
    ends = [text.find(stop) for stop in request.sampling.stop if stop in text]
    pieces = PIECE.findall(text[: min(ends)] if ends else text)
    reason: Reason = "length" if len(pieces) > request.max_tokens else "stop"
    return Sequence(request, pieces[: request.max_tokens], reason)


def prompt_text(request: GenerationRequest) -> str:
    return request.prompt or "\n".join(message.text for message in request.messages)


def answer(request: GenerationRequest) -> str:
    """The last message's words, turned by the seed, in the shape of the grammar."""
    text = request.prompt or request.messages[-1].content
    words = WORD.findall(text) or ["echo"]
    turn = (request.sampling.seed or 0) % len(words)
    words = words[turn:] + words[:turn]
    if request.functions and (function := called(request, text)):
        schema = json.loads(function.schema)
        arguments = json.dumps(example(schema, schema, words), ensure_ascii=False)
        return text_of(function.name, arguments)
    if request.grammar is None:
        return " ".join(words)
    if request.grammar.kind == "json_schema":
        schema = json.loads(request.grammar.source)
        return json.dumps(example(schema, schema, words), ensure_ascii=False)
    if request.grammar.kind == "choice":
        options: list[str] = json.loads(request.grammar.source)
        return options[(request.sampling.seed or 0) % len(options)]
    raise EngineError("grammar_unsupported", "The echo engine cannot follow this grammar.")


def called(request: GenerationRequest, text: str) -> Function | None:
    """The function that the last message names, or the first where one must be called."""
    named = [each for each in request.functions if each.name in text.split()]
    return next(iter(named), request.functions[0] if request.must_call else None)


def example(schema: Mapping[str, Any], root: Mapping[str, Any], words: list[str]) -> Any:
    """A value that fits the schema, its strings made of `words`."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return example((root.get("$defs") or root["definitions"])[name], root, words)
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    if "anyOf" in schema or "oneOf" in schema:
        return example((schema.get("anyOf") or schema["oneOf"])[0], root, words)
    return MAKERS[schema.get("type", "object")](schema, root, words)


def example_object(schema: Mapping[str, Any], root: Mapping[str, Any], words: list[str]) -> Any:
    return {name: example(part, root, words) for name, part in schema.get("properties", {}).items()}


def example_array(schema: Mapping[str, Any], root: Mapping[str, Any], words: list[str]) -> Any:
    count = max(schema.get("minItems", 0), min(1, schema.get("maxItems", 1)))
    turns = [words[place % len(words) :] + words[: place % len(words)] for place in range(count)]
    return [example(schema.get("items", {"type": "string"}), root, turn) for turn in turns]


def example_string(schema: Mapping[str, Any], root: Mapping[str, Any], words: list[str]) -> str:
    least, most = schema.get("minLength", 0), schema.get("maxLength", 10_000)
    text = " ".join(words)
    while len(text) < least:
        text += " " + " ".join(words)
    short = text[:most]
    kept = short if len(text) <= most else short.rsplit(" ", 1)[0]
    return kept if len(kept) >= least else short


def example_number(schema: Mapping[str, Any], root: Mapping[str, Any], words: list[str]) -> int:
    return int(schema.get("minimum", min(1, schema.get("maximum", 1))))


MAKERS: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any], list[str]], Any]] = {
    "object": example_object,
    "array": example_array,
    "string": example_string,
    "integer": example_number,
    "number": example_number,
    "boolean": lambda schema, root, words: True,
    "null": lambda schema, root, words: None,
}
