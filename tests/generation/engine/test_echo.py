"""The echo engine keeps the interface's promises in miniature."""

import json

from generation.engine.echo import EchoEngine
from generation.engine.types import (
    EngineError,
    Failed,
    Finished,
    GenerationRequest,
    Grammar,
    Sampling,
    Token,
)

SCHEMA = {
    "type": "object",
    "properties": {
        "headline": {"type": "string", "maxLength": 12},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 3},
        "tone": {"enum": ["warm", "dry"]},
        "part": {"$ref": "#/$defs/part"},
    },
    "$defs": {"part": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 3}}}},
}


def request(text="one two three", **changes):
    base = {"id": "r", "tenant": "t", "max_tokens": 50, "prompt": text}
    return GenerationRequest(**base | changes)


def run(engine, *requests):
    for each in requests:
        engine.submit(each)
    events = []
    while engine.busy:
        events += engine.step()
    return events


def test_it_streams_the_prompt_and_finishes():
    events = run(EchoEngine(), request())
    assert "".join(event.text for event in events[:-1]) == events[-1].text == "one two three"
    assert (events[-1].reason, events[-1].completion_tokens) == ("stop", 3)


def test_a_seed_turns_the_words():
    finished = run(EchoEngine(), request(sampling=Sampling(seed=1)))[-1]
    assert finished.text == "two three one"


def test_a_schema_is_followed():
    value = json.loads(run(EchoEngine(), request(grammar=Grammar.json_schema(SCHEMA)))[-1].text)
    assert len(value["headline"]) <= 12
    assert len(value["tags"]) == 2
    assert value["tone"] == "warm"
    assert value["part"] == {"n": 3}


def test_stop_strings_lengths_and_banned_phrases_hold():
    stopped = run(EchoEngine(), request(sampling=Sampling(stop=("three",))))[-1]
    cut = run(EchoEngine(), request(max_tokens=2))[-1]
    clean = run(EchoEngine(), request(banned=("TWO",)))[-1]
    assert (stopped.text.strip(), cut.text, cut.reason) == ("one two", "one two", "length")
    assert "two" not in clean.text


def test_cancel_ends_with_what_was_written():
    engine = EchoEngine()
    engine.submit(request())
    assert engine.step() == [Token("r", "one")]
    engine.cancel("r")
    (finished,) = engine.step()
    assert isinstance(finished, Finished)
    assert (finished.reason, finished.text) == ("cancelled", "one")
    assert not engine.busy


def test_only_so_many_rows_move_at_once():
    engine = EchoEngine(rows=1)
    engine.submit(request(id="a"))
    engine.submit(request(id="b"))
    assert engine.free_rows == 0
    assert {event.request_id for event in engine.step()} == {"a"}


def test_a_reply_may_fail():
    def broken(request):
        raise EngineError("model_numerical_error", "not a number")

    (event,) = run(EchoEngine(reply=broken), request())
    assert event == Failed("r", "model_numerical_error", "not a number")
