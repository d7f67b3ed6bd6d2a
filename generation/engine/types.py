"""What goes into an engine and what comes out: requests, events, limits. Free of torch."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

MAX_TOKENS = 8192
MAX_WEIGHT = 100
MAX_STOP_STRINGS = 16
MAX_STOP_CHARS = 64
MAX_BANNED = 256
MAX_BANNED_CHARS = 128
MAX_BIASES = 300
MAX_LOGPROBS = 20
MAX_MESSAGES = 256
# A tokenizer never packs more than this many characters of honest text into a full context.
MAX_PROMPT_CHARS = 160_000
MAX_GRAMMAR_CHARS = 64_000
LEAST_TOP_P = 1e-6

Role = Literal["system", "user", "assistant", "tool"]
Reason = Literal["stop", "length", "cancelled"]
GrammarKind = Literal["json_schema", "regex", "choice", "ebnf", "calls"]

ROLES = ("system", "user", "assistant", "tool")
GRAMMAR_KINDS = ("json_schema", "regex", "choice", "ebnf", "calls")
INVISIBLE = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})


class LimitError(ValueError):
    """A request outside its limits; `field` says which part, `code` what a client may be told."""

    def __init__(self, field_name: str, message: str, code: str = "validation_failed") -> None:
        super().__init__(f"{field_name}: {message}")
        self.field = field_name
        self.code = code
        self.message = message


class EngineError(Exception):
    """The engine refuses or cannot go on; `code` is stable, `details` are its numbers."""

    def __init__(self, code: str, message: str, **details: int | str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details


class EngineBusy(EngineError):
    """It cannot be taken in now; a while later it can."""


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A function that an answer called: the call's id, the name, and the arguments as JSON."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """A turn of a conversation; one of a tool says which call it answers."""

    role: Role
    content: str
    tool_calls: tuple[FunctionCall, ...] = ()
    tool_call_id: str = ""

    @classmethod
    def read(cls, turn: Mapping[str, Any]) -> Message:
        """A message as a job's payload keeps it."""
        calls = tuple(FunctionCall(**call) for call in turn.get("tool_calls", ()))
        return cls(turn["role"], turn["content"], calls, turn.get("tool_call_id", ""))

    @property
    def text(self) -> str:
        """All of it that a model reads."""
        return self.content + "".join(call.name + call.arguments for call in self.tool_calls)


@dataclass(frozen=True, slots=True)
class Function:
    """A function that the model may call; `schema` (JSON) is what its arguments are held to, and
    `parameters` (JSON) what was asked for."""

    name: str
    description: str
    schema: str
    parameters: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen. Temperature 0 takes the likeliest."""

    temperature: float = 0.8
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    logit_bias: tuple[tuple[int, float], ...] = ()
    logprobs: int | None = None

    def __post_init__(self) -> None:
        within("temperature", self.temperature, 0.0, 2.0)
        within("top_p", self.top_p, LEAST_TOP_P, 1.0)
        within("top_k", self.top_k, 0, 1000, whole=True)
        within("min_p", self.min_p, 0.0, 1.0)
        within("repetition_penalty", self.repetition_penalty, 0.5, 2.0)
        within("presence_penalty", self.presence_penalty, -2.0, 2.0)
        within("frequency_penalty", self.frequency_penalty, -2.0, 2.0)
        if self.seed is not None:
            within("seed", self.seed, 0, 2**63 - 1, whole=True)
        if self.logprobs is not None:
            within("logprobs", self.logprobs, 0, MAX_LOGPROBS, whole=True)
        check_phrases("stop", self.stop, MAX_STOP_STRINGS, MAX_STOP_CHARS)
        check_biases(self.logit_bias)


@dataclass(frozen=True, slots=True)
class Grammar:
    """The form that the text must have. `source` is text, so that equal grammars compare equal.

    A foreign one comes from a caller, who may mean harm with it.
    """

    kind: GrammarKind
    source: str
    foreign: bool = False

    def __post_init__(self) -> None:
        if self.kind not in GRAMMAR_KINDS:
            raise LimitError("grammar", f"unknown kind {self.kind!r}")
        if not 0 < len(self.source) <= MAX_GRAMMAR_CHARS:
            raise LimitError("grammar", f"must hold 1 to {MAX_GRAMMAR_CHARS} characters")

    @classmethod
    def json_schema(cls, schema: Mapping[str, Any]) -> Grammar:
        return cls("json_schema", json.dumps(schema, ensure_ascii=False))

    @classmethod
    def regex(cls, pattern: str) -> Grammar:
        return cls("regex", pattern)

    @classmethod
    def ebnf(cls, rules: str) -> Grammar:
        return cls("ebnf", rules)

    @classmethod
    def calls(cls, functions: Sequence[Function], *, must_call: bool) -> Grammar:
        """A call of one of the functions, after a text of any kind or in place of it."""
        known = {function.name: json.loads(function.schema) for function in functions}
        source = json.dumps({"functions": known, "must_call": must_call})
        return cls("calls", source, foreign=True)

    @classmethod
    def choice(cls, options: Sequence[str]) -> Grammar:
        if not options or not all(options):
            raise LimitError("grammar", "a choice needs at least one option, none of them empty")
        return cls("choice", json.dumps(list(options), ensure_ascii=False))


@dataclass(frozen=True, slots=True)
class AdapterRef:
    """A LoRA adapter in PEFT's format: where it lies and what its weights must hash to."""

    id: str
    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One text to write. `tenant` separates caches; give either `messages` or a raw `prompt`.

    With `functions` the text may end in a call of one of them, in the form that engine/calls.py
    tells, and with `must_call` it is one. Among tenants that wait, one of `weight` 3 is served
    three times as much as one of 1. With `may_cut` fewer than `max_tokens` are written where
    the context has no room for more.
    """

    id: str
    tenant: str
    max_tokens: int
    messages: tuple[Message, ...] = ()
    prompt: str = ""
    sampling: Sampling = field(default_factory=Sampling)
    grammar: Grammar | None = None
    banned: tuple[str, ...] = ()
    adapter: AdapterRef | None = None
    min_tokens: int = 0
    weight: int = 1
    may_cut: bool = False
    functions: tuple[Function, ...] = ()
    must_call: bool = False

    def __post_init__(self) -> None:
        within("weight", self.weight, 1, MAX_WEIGHT, whole=True)
        within("max_tokens", self.max_tokens, 1, MAX_TOKENS, whole=True)
        within("min_tokens", self.min_tokens, 0, self.max_tokens, whole=True)
        check_phrases("banned", self.banned, MAX_BANNED, MAX_BANNED_CHARS)
        if bool(self.messages) == bool(self.prompt):
            raise LimitError("prompt", "give either messages or a prompt", "prompt_empty")
        check_messages(self.messages)
        check_prompt_text(self.messages[-1].text if self.messages else self.prompt)
        check_prompt_size(self.prompt_chars)

    @property
    def prompt_chars(self) -> int:
        return len(self.prompt) + sum(len(message.text) for message in self.messages)


def within(name: str, value: float, low: float, high: float, *, whole: bool = False) -> None:
    """Raise unless low <= value <= high; NaN never passes."""
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not math.isfinite(value):
        raise LimitError(name, "must be a whole number" if whole else "must be a finite number")
    if not low <= value <= high:
        raise LimitError(name, f"must be from {low} to {high}")


def check_phrases(name: str, phrases: tuple[str, ...], most: int, longest: int) -> None:
    if len(phrases) > most:
        raise LimitError(name, f"at most {most} are allowed")
    if any(not isinstance(text, str) or not 0 < len(text) <= longest for text in phrases):
        raise LimitError(name, f"each must hold 1 to {longest} characters")


def check_biases(biases: tuple[tuple[int, float], ...]) -> None:
    if len(biases) > MAX_BIASES:
        raise LimitError("logit_bias", f"at most {MAX_BIASES} are allowed")
    for token, bias in biases:
        within("logit_bias", token, 0, 2**31, whole=True)
        within("logit_bias", bias, -100, 100)


def check_messages(messages: tuple[Message, ...]) -> None:
    """Their order is the chat template's business: what it cannot take, it refuses."""
    if len(messages) > MAX_MESSAGES:
        raise LimitError("messages", f"at most {MAX_MESSAGES} are allowed")
    if any(message.role not in ROLES for message in messages):
        raise LimitError("messages", f"a role is one of {', '.join(ROLES)}")


def check_prompt_text(text: str) -> None:
    if all(unicodedata.category(char) in INVISIBLE for char in text):
        raise LimitError("prompt", "holds no visible character", "prompt_empty")


def check_prompt_size(chars: int) -> None:
    if chars > MAX_PROMPT_CHARS:
        raise LimitError(
            "prompt", f"at most {MAX_PROMPT_CHARS} characters fit", "context_length_exceeded"
        )


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """One sampled token's bytes, its log-probability, and the likeliest tokens beside it."""

    token: bytes
    logprob: float
    top: tuple[tuple[bytes, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Token:
    """More text of a request: whole characters only, never the start of a stop string."""

    request_id: str
    text: str
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of a request that went well; the hashes name what really produced it."""

    request_id: str
    text: str
    reason: Reason
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    base_sha256: str
    adapter_sha256: str | None = None
    cached_tokens: int = 0
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """The last event of a request that went wrong; `retry` where another try may go better."""

    request_id: str
    code: str
    message: str
    retry: bool = True


Event = Token | Finished | Failed


@dataclass(frozen=True, slots=True)
class EngineStats:
    """A glance at a running engine; counters only ever grow.

    `room_for_others` requests more may come to a full engine from tenants of which nothing runs:
    sequences of others give way to them.
    """

    rows_busy: int = 0
    rows_total: int = 0
    queued: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    adapter_swaps: int = 0
    preemptions: int = 0
    room_for_others: int = 0


class Engine(Protocol):
    """Submit requests, then call `step` until it is no longer busy; one thread does all of it."""

    @property
    def free_rows(self) -> int: ...

    @property
    def busy(self) -> bool: ...

    def submit(self, request: GenerationRequest) -> None:
        """Take a request in, or raise EngineError when it can never be served."""

    def cancel(self, request_id: str) -> None:
        """End a request early; its Finished event with reason "cancelled" comes with a step."""

    def step(self) -> list[Event]:
        """One short piece of work for all sequences, and the events that it caused."""

    def count_tokens(self, text: str) -> int: ...

    def stats(self) -> EngineStats: ...

    def close(self) -> None: ...
