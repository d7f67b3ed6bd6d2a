"""What a generate job does between its lease and its end: engine calls, then an effect.

A handler is a generator: it yields the engine calls that may run at a time, is sent what came of
them in their order, and returns its outcome. The batch worker drives many of them over one engine.
"""

import json
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, replace
from typing import Any

from generation import writers
from generation.engine.types import (
    EngineError,
    Finished,
    Function,
    GenerationRequest,
    Message,
    Sampling,
    TokenLogprob,
)
from generation.engine.types import Grammar as EngineGrammar
from generation.models import Variant
from generation.services.briefs import issue_to_json
from generation.serving.adapters import adapter_for
from generation.serving.json_validation import broken_promise
from generation.writers.writer import Ask, Completion, Draft
from tenants.jobs.models import Job, Lease

SEED_STEP = 0x9E3779B97F4A7C15
LOWEST_LOGPROB = -9999.0


@dataclass(frozen=True, slots=True)
class EngineCall:
    """One request, and how its streamed text is shown: `shown` maps all text so far to it.

    `irrevocable`: what somebody has read of the text cannot be taken back. `reads_prompt`: whether
    its prompt is told and charged, which of several calls with the same one only the first is.
    """

    request: GenerationRequest
    section: str = ""
    appends: bool = False
    shown: Callable[[str], str] = str
    index: int = 0
    irrevocable: bool = False
    reads_prompt: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a finished handler leaves: the job's result, and what is stored in the same commit."""

    result: dict[str, Any]
    apply: Callable[[Job], None] | None = None


class Stopped(Exception):
    """Thrown into a handler whose job was cancelled; it returns what is to be kept, if anything."""

    def __init__(self, text: str, finished: Finished) -> None:
        super().__init__()
        self.text, self.finished = text, finished


Handling = Generator[tuple[EngineCall, ...], tuple[Finished, ...], Outcome]


def write_variant(lease: Lease) -> Handling:
    """Write one variant of a brief, as its kind of copy says."""
    variant = Variant.of_job(lease.job_id)
    variant.update_fields({"state": Variant.State.WRITING, "error": ""})
    brief = variant.brief
    writer = writers.load(lease.payload["writer"], brief.kind_spec)
    writing = writer.write(brief.kind_spec, brief.data(seed=variant.seed, variant=variant.number))
    made = Provenance(writer=writer.name)
    adapter = adapter_for(lease)
    number = 1
    try:
        ask = next(writing)
        while True:
            request = ask.request(
                request_id=f"{lease.job_id}:{lease.token}:{number}", tenant=str(lease.tenant_id)
            )
            request = replace(request, adapter=adapter, weight=lease.weight)
            (finished,) = yield (_call(ask, request),)
            made.note(finished)
            number += 1
            tokens = finished.completion_tokens
            ask = writing.send(Completion(finished.text, finished.reason, tokens))
    except StopIteration as end:
        return _variant_outcome(variant, end.value, made)
    except Stopped as stopped:
        made.note(stopped.finished)
        written = {"model_text": stopped.text, "text": stopped.text, **asdict(made)}
        return Outcome({}, apply=lambda job: keep_text(job, written))


def _call(ask: Ask, request: GenerationRequest) -> EngineCall:
    return EngineCall(request, section=ask.section, appends=ask.appends, shown=ask.shown)


def keep_text(job: Job, written: dict[str, Any]) -> None:
    """Store what a stopped job wrote, unless the variant belongs to another job by now."""
    Variant.objects.filter(job=job).update(**written)


@dataclass(slots=True)
class Provenance:
    """Which base and adapter really wrote a text, and how they were led to it."""

    writer: str
    base_sha256: str = ""
    adapter_sha256: str = ""

    def note(self, finished: Finished) -> None:
        self.base_sha256 = finished.base_sha256
        self.adapter_sha256 = finished.adapter_sha256 or ""


def _variant_outcome(variant: Variant, draft: Draft, made: Provenance) -> Outcome:
    text = variant.brief.kind_spec.render(draft.data)
    fields = {
        "state": Variant.State.READY,
        "model_text": text,
        "text": text,
        "data": draft.data,
        "issues": [issue_to_json(issue) for issue in draft.issues],
        "own_lines": draft.share.own if draft.share else None,
        "lines": draft.share.lines if draft.share else None,
        **asdict(made),
    }
    result = {"variant": str(variant.pk), "issues": len(draft.issues)}
    return Outcome(result, apply=lambda job: variant.update_fields(fields))


def answer_chat(lease: Lease) -> Handling:
    """Answer an OpenAI-style request: the choices of each of its prompts, in one batch."""
    adapter = adapter_for(lease)
    requests = [replace(request, adapter=adapter) for request in _chat_requests(lease)]
    n = lease.payload.get("n", 1)
    finished = yield tuple(
        EngineCall(request, index=index, irrevocable=True, reads_prompt=index % n == 0)
        for index, request in enumerate(requests)
    )
    for each in finished:
        keep_promise(lease, each)
    choices = [choice_to_json(index, each) for index, each in enumerate(finished)]
    last = finished[-1]
    made = {"base_sha256": last.base_sha256, "adapter_sha256": last.adapter_sha256}
    return Outcome({"choices": choices, **made})


def keep_promise(lease: Lease, finished: Finished) -> None:
    """Raise EngineError for a finished text that does not follow the schema asked for."""
    promised = (lease.payload.get("grammar") or {}).get("promised")
    if not promised or finished.reason != "stop":
        return
    if broken := broken_promise(finished.text, promised):
        detail = f"The model's text does not follow the schema: {broken}"
        raise EngineError("output_schema_violation", detail)


def choice_to_json(index: int, finished: Finished) -> dict[str, Any]:
    """A choice as the job's result keeps it."""
    choice: dict[str, Any] = {"index": index, "text": finished.text}
    choice["finish_reason"] = finished.reason
    if finished.logprobs:
        choice["logprobs"] = [logprobs_to_json(each) for each in finished.logprobs]
    return choice


def logprobs_to_json(each: TokenLogprob) -> list[Any]:
    """A token as it is stored: bytes, log-probability, and the likeliest beside it."""
    beside = [[list(token), finite_logprob(logprob)] for token, logprob in each.top]
    return [list(each.token), finite_logprob(each.logprob), beside]


def finite_logprob(logprob: float) -> float:
    """JSON knows no infinity; OpenAI's number for what cannot come stands in its place."""
    return max(logprob, LOWEST_LOGPROB)


def _chat_requests(lease: Lease) -> list[GenerationRequest]:
    """What the engine is asked for: n choices of each prompt, one prompt after the other."""
    payload = lease.payload
    prompts = payload.get("prompts") or [payload.get("prompt", "")]
    n = payload.get("n", 1)
    return [
        _chat_request(lease, place * n + index, prompt=prompt, index=index)
        for place, prompt in enumerate(prompts)
        for index in range(n)
    ]


def _chat_request(lease: Lease, number: int, *, prompt: str, index: int) -> GenerationRequest:
    payload = lease.payload
    grammar = payload.get("grammar")
    return GenerationRequest(
        id=f"{lease.job_id}:{lease.token}:{number}",
        tenant=str(lease.tenant_id),
        max_tokens=payload["max_tokens"],
        min_tokens=payload.get("min_tokens", 0),
        messages=tuple(map(Message.read, payload.get("messages", []))),
        prompt=prompt,
        functions=tuple(map(function_of, payload.get("tools", []))),
        must_call=payload.get("must_call", False),
        sampling=chat_sampling(payload.get("sampling", {}), index),
        grammar=callers_grammar(grammar) if grammar else None,
        banned=tuple(payload.get("banned", [])),
        weight=lease.weight,
        may_cut=payload.get("may_cut", False),
    )


def callers_grammar(given: dict[str, Any]) -> EngineGrammar:
    return EngineGrammar(given["kind"], given["source"], foreign=True)


def function_of(tool: dict[str, Any]) -> Function:
    """A function of the payload as the engine takes it."""
    schema, parameters = json.dumps(tool["schema"]), json.dumps(tool["parameters"])
    return Function(tool["name"], tool["description"], schema, parameters)


def chat_sampling(values: dict[str, Any], index: int) -> Sampling:
    """The payload's sampling with JSON's lists as tuples; each choice has a seed of its own."""
    options = dict(values)
    options["stop"] = tuple(options.get("stop", ()))
    options["logit_bias"] = tuple((int(t), float(b)) for t, b in options.get("logit_bias", ()))
    if options.get("seed") is not None:
        # Far apart, so that the choices of one seed are not those of the next.
        options["seed"] = (options["seed"] + index * SEED_STEP) % 2**63
    return Sampling(**options)
