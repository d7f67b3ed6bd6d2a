"""The engine over a server: what is sent, what comes back, and every way to fail."""

import json

import httpx
import pytest

from generation.engine import load
from generation.engine.types import (
    AdapterRef,
    EngineError,
    Failed,
    Finished,
    Grammar,
    Message,
    Sampling,
    Token,
)
from tests.generation.engine.toys import ask, run


def sse(*chunks):
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


def delta(text, reason=None):
    return {"choices": [{"delta": {"content": text}, "finish_reason": reason}]}


USAGE = {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}


@pytest.fixture
def serve():
    """An engine over a server that answers with `respond(request)`."""
    engines = []

    def make(respond, **options):
        transport = httpx.MockTransport(respond)
        engines.append(
            load("openai", base_url="http://model/v1", model="m", transport=transport, **options)
        )
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()


def streamed(text, status=200):
    """An answer that is not read before it is asked for, as over a wire."""
    return httpx.Response(status, stream=httpx.ByteStream(text.encode()))


def answer(text=None, status=200):
    return lambda request: streamed(text or sse(delta("a")), status)


def sent(serve, request, **options):
    """The body that the engine sends for a request."""
    bodies = []

    def respond(seen):
        bodies.append((seen.url.path, json.loads(seen.content), seen.headers))
        return streamed(sse(delta("a")))

    run(serve(respond, **options), request)
    return bodies[0]


def test_it_streams_and_takes_the_servers_count(serve):
    events = run(serve(answer(sse(delta("one "), delta("two", "stop"), USAGE))), ask())["r"]
    assert [event.text for event in events] == ["one ", "two", "one two"]
    assert isinstance(events[-1], Finished)
    assert (events[-1].reason, events[-1].prompt_tokens, events[-1].completion_tokens) == (
        "stop",
        5,
        2,
    )


def test_length_is_told_apart_from_stop(serve):
    assert run(serve(answer(sse(delta("a", "length")))), ask())["r"][-1].reason == "length"


def test_stop_strings_are_cut_even_when_the_server_sends_them(serve):
    text = sse(delta("one S"), delta("TOP two"))
    events = run(serve(answer(text)), ask(sampling=Sampling(stop=("STOP",))))["r"]
    assert events[-1].text == "one "
    assert "".join(event.text for event in events[:-1]) == "one "


def test_a_banned_phrase_ends_the_request_before_it_shows(serve):
    events = run(serve(answer(sse(delta("fr"), delta("EE")))), ask(banned=("free",)))["r"]
    assert events == [Failed("r", "output_blocked", "The model wrote a banned phrase.")]


def test_messages_go_to_chat_and_prompts_to_completions(serve):
    path, body, headers = sent(serve, ask(), api_key="k")
    assert (path, body["prompt"], headers["authorization"]) == (
        "/v1/completions",
        "the cat",
        "Bearer k",
    )
    path, body, _ = sent(serve, ask("", messages=(Message("user", "hi"),)))
    assert (path, body["messages"]) == (
        "/v1/chat/completions",
        [{"role": "user", "content": "hi"}],
    )


def test_a_schema_becomes_a_response_format(serve):
    _, body, _ = sent(serve, ask(grammar=Grammar.json_schema({"type": "object"})))
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}


def test_vllm_gets_its_own_fields_and_a_salt_for_each_tenant(serve):
    request = ask(banned=("x",), grammar=Grammar.choice(["a", "b"]), min_tokens=2)
    _, body, _ = sent(serve, request, dialect="vllm")
    _, other, _ = sent(serve, ask(tenant="other"), dialect="vllm")
    assert body["structured_outputs"] == {"choice": ["a", "b"]}
    assert (body["bad_words"], body["min_tokens"], body["top_k"]) == (["x"], 2, -1)
    assert body["cache_salt"] != other["cache_salt"]


def test_a_server_that_knows_no_adapters_is_asked_for_its_own_model_and_says_so(serve):
    adapter = AdapterRef("brand-7", "", "ab" * 32)
    assert sent(serve, ask(adapter=adapter))[1]["model"] == "m"
    assert run(serve(answer()), ask(adapter=adapter))["r"][-1].adapter_sha256 is None


def test_a_grammar_that_the_server_cannot_follow_is_refused(serve):
    with pytest.raises(EngineError, match="JSON schemas only"):
        serve(answer()).submit(ask(grammar=Grammar.regex("a+")))


@pytest.mark.parametrize(
    ("status", "text", "code"),
    [
        (401, "no", "engine_unauthorized"),
        (404, "no", "model_missing"),
        (429, "slow down", "engine_rate_limited"),
        (400, "bad", "engine_rejected"),
        (400, '{"error": {"code": "context_length_exceeded"}}', "context_length_exceeded"),
        (500, "secret trace", "engine_failed"),
        (302, "away", "engine_failed"),
        (200, "data: {not json\n\n", "engine_protocol_error"),
        (200, 'data: {"choices": "x"}\n\n', "engine_protocol_error"),
        (200, 'data: {"error": {"message": "boom"}}\n\n', "engine_failed"),
    ],
)
def test_each_failure_of_the_server_has_its_code(serve, status, text, code):
    (event,) = run(serve(answer(text, status)), ask())["r"]
    assert event.code == code
    assert "secret" not in event.message


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (httpx.ConnectError("x"), "engine_unreachable"),
        (httpx.ReadTimeout("x"), "engine_timeout"),
        (httpx.RemoteProtocolError("x"), "engine_unreachable"),
    ],
)
def test_a_broken_line_has_its_code(serve, error, code):
    def respond(request):
        raise error

    assert run(serve(respond), ask())["r"][-1].code == code


HOSTILE = {
    "a line without an end": "data: " + "x" * (2 * 1024 * 1024),
    "an answer without an end": sse(*[delta("x" * 60_000)] * 300),
    "lists in lists": "data: " + "[" * 100_000 + "\n\n",
    "half a character": 'data: {"choices": [{"text": "\\ud800"}]}\n\n',
    "a list for an object": "data: [1]\n\n",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_answer_ends_its_own_request(serve, text):
    event = run(serve(answer(text)), ask(max_tokens=8192))["r"][-1]
    assert isinstance(event, Failed)
    assert event.code == "engine_protocol_error"


def test_a_server_that_does_not_stop_is_stopped(serve):
    words = run(serve(answer(sse(*[delta("word ")] * 1000))), ask(max_tokens=8))["r"][-1]
    long = run(serve(answer(sse(delta("x" * 50_000)))), ask(max_tokens=8))["r"][-1]
    assert (words.reason, long.reason) == ("length", "length")
    assert len(words.text) < 400


@pytest.mark.parametrize("count", [-1, 10**12, "7", True, None, [1], 1.5])
def test_a_count_that_makes_no_sense_is_not_charged(serve, count):
    usage = {"choices": [], "usage": {"prompt_tokens": count, "completion_tokens": count}}
    last = run(serve(answer(sse(delta("a"), usage))), ask())["r"][-1]
    assert 0 <= last.prompt_tokens < 100
    assert last.completion_tokens == 1


def test_what_no_database_stores_is_left_out(serve):
    assert run(serve(answer(sse(delta("a\0b")))), ask())["r"][-1].text == "ab"


def test_a_server_that_takes_for_ever_is_left(serve):
    class Drip(httpx.AsyncByteStream):
        async def __aiter__(self):
            import asyncio

            while True:
                yield b": wait\n"
                await asyncio.sleep(0.02)

    engine = serve(lambda request: httpx.Response(200, stream=Drip()), deadline=0.2)
    assert run(engine, ask())["r"][-1].code == "engine_timeout"


def test_cancel_closes_the_connection(serve):
    closed = []

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self):
            import asyncio

            while True:
                yield f"data: {json.dumps(delta('x'))}\n\n".encode()
                await asyncio.sleep(0.01)

        async def aclose(self):
            closed.append(True)

    engine = serve(lambda request: httpx.Response(200, stream=Endless()))
    engine.submit(ask())
    while not any(isinstance(event, Token) for event in engine.step()):
        continue
    engine.cancel("r")
    events = []
    while engine.busy:
        events += engine.step()
    assert (events[-1].reason, closed) == ("cancelled", [True])
    assert engine.free_rows == 32


def test_a_request_cancelled_at_once_ends(serve):
    engine = serve(answer())
    for _attempt in range(20):
        engine.submit(ask())
        engine.cancel("r")
        events = []
        while engine.busy:
            events += engine.step()
        assert isinstance(events[-1], Finished)


def test_a_key_is_not_shown_when_settings_are_printed(serve):
    assert "sekret" not in repr(serve(answer(), api_key="sekret").settings)


def test_what_a_newer_model_refuses_is_learnt_from_its_answer(serve):
    bodies = []

    def newer(request):
        body = json.loads(request.content)
        bodies.append(body)
        for name in ("max_tokens", "temperature", "stop"):
            if name in body:
                message = f"Unsupported parameter: '{name}' is not supported with this model."
                return streamed(json.dumps({"error": {"message": message, "param": name}}), 400)
        return streamed(sse(delta("one")))

    engine = serve(newer)
    asked = {"sampling": Sampling(temperature=0.3, stop=("x",)), "max_tokens": 7}
    assert run(engine, ask(**asked))["r"][-1].text == "one"
    assert len(bodies) == 4
    assert bodies[-1]["max_completion_tokens"] == 7
    assert not {"max_tokens", "temperature", "stop"} & bodies[-1].keys()
    run(engine, ask(**asked))
    assert len(bodies) == 5


def test_a_word_that_ends_the_answer_may_be_a_banned_one(serve):
    events = run(serve(answer(sse(delta("so fr"), delta("ee")))), ask(banned=("free",)))["r"]
    assert events[-1].code == "output_blocked"
    longer = run(serve(answer(sse(delta("free"), delta("dom")))), ask(banned=("free",)))["r"]
    assert longer[-1].text == "freedom"
