"""What programs made for OpenAI's and vLLM's servers send, over HTTP as they send it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import openai
import pytest
from django.db import connection

from generation.engine import load
from tenants.billing.services import balance
from tenants.jobs.worker import run
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.generation.engine.toys import write_toy
from tests.support.api import key_for
from tests.support.live import worked_through, working

pytestmark = pytest.mark.django_db(transaction=True)

HELLO: list[Any] = [{"role": "user", "content": "Say hello"}]
FIND: Any = {
    "type": "function",
    "function": {
        "name": "find_tea",
        "description": "Looks for tea.",
        "parameters": {
            "type": "object",
            "properties": {"what": {"type": "string"}, "most": {"type": "integer"}},
            "required": ["what"],
        },
    },
}


@pytest.fixture
def client(server: str, acme: Tenant) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server}/v1", api_key=key_for(acme), max_retries=0) as client:
        yield client


@pytest.fixture
def http(server: str, acme: Tenant) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {key_for(acme)}"}
    with httpx.Client(base_url=server, headers=headers, timeout=200) as client:
        yield client


def post(http: httpx.Client, path: str = "/v1/chat/completions", **body: Any) -> httpx.Response:
    text = {} if "prompt" in body else {"messages": HELLO}
    return http.post(path, json={"model": "echo", "max_tokens": 16, **text, **body})


NEUTRAL: list[dict[str, Any]] = [
    {"tools": [], "tool_choice": "none", "parallel_tool_calls": True, "functions": None},
    {"tools": None, "tool_choice": "auto", "function_call": "auto"},
    {"service_tier": "auto", "modalities": ["text"], "reasoning_effort": None, "verbosity": None},
    {"prompt_cache_key": "k", "safety_identifier": "s", "prediction": None, "audio": None},
    {"store": False, "metadata": {}, "user": "u", "web_search_options": None},
    {"stop": None, "logit_bias": {}, "top_logprobs": None, "stream_options": None, "n": None},
    {"top_k": -1, "seed": -1, "guided_json": None, "use_beam_search": False, "best_of": 1},
    {"skip_special_tokens": True, "ignore_eos": False, "stop_token_ids": [], "min_tokens": 0},
    {"stop": "", "response_format": None, "length_penalty": 1.0, "chat_template_kwargs": {}},
]
MEANT: list[dict[str, Any]] = [
    {"verbosity": "low"},
    {"reasoning_effort": "high"},
    {"modalities": ["text", "audio"]},
    {"functions": [{"name": "f"}]},
    {"use_beam_search": True},
    {"best_of": 4},
    {"tool_choice": "required"},
    {"web_search_options": {"search_context_size": "low"}},
    {"skip_special_tokens": False},
    {"length_penalty": 2},
]
ANSWER = {
    "role": "assistant",
    "content": "Hello",
    **dict.fromkeys(("refusal", "annotations", "audio", "function_call", "tool_calls")),
}
ORDERS: list[list[Any]] = [
    [{"role": "assistant", "content": "Welcome!"}, *HELLO],
    [*HELLO, ANSWER, {"role": "system", "content": "Be brief."}, *HELLO],
    [*HELLO, ANSWER, *HELLO],
    [*HELLO, {"role": "assistant", "content": "Well"}],
    [{"role": "developer", "content": "Be brief."}, {"role": "system", "content": "Be"}, *HELLO],
    [*HELLO, {"role": "assistant", "content": [{"type": "text", "text": "Hi"}]}, *HELLO],
]


def test_fields_that_mean_nothing_are_taken_and_others_named(http: httpx.Client) -> None:
    with working():
        taken = [post(http, **fields) for fields in NEUTRAL]
        orders = [post(http, messages=messages) for messages in ORDERS]
    assert [answer.status_code for answer in taken] == [200] * len(NEUTRAL), [
        answer.text for answer in taken if answer.status_code != 200
    ]
    assert [answer.status_code for answer in orders] == [200] * len(ORDERS), [
        answer.text for answer in orders if answer.status_code != 200
    ]
    refused = [post(http, **fields) for fields in MEANT]
    named = [answer.json()["error"]["param"] for answer in refused]
    assert [(answer.status_code, param) for answer, param in zip(refused, named, strict=True)] == [
        (400, next(iter(fields))) for fields in MEANT
    ]


def test_several_prompts_are_continued_each_by_itself(client: openai.OpenAI) -> None:
    with working():
        answer = client.completions.create(model="echo", prompt=["Hello", "One two"], n=2)
        chunks = list(client.completions.create(model="echo", prompt=["A", "B"], stream=True))
    assert [(each.index, each.text) for each in answer.choices] == [
        (0, "Hello"),
        (1, "Hello"),
        (2, "One two"),
        (3, "One two"),
    ]
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (3, 6)
    texts = {0: "", 1: ""}
    for chunk in chunks:
        for choice in chunk.choices:
            texts[choice.index] += choice.text
    assert texts == {0: "A", 1: "B"}
    assert all(chunk.system_fingerprint for chunk in chunks)


def test_addresses_end_with_a_slash_or_without(http: httpx.Client) -> None:
    with working():
        asked = [post(http, "/v1/chat/completions/"), post(http, "/v1/completions/", prompt="A")]
    found = [*asked, http.get("/v1/models/"), http.get("/v1/models/echo/")]
    assert [answer.status_code for answer in found] == [200] * 4


def test_the_bytes_of_all_tokens_are_the_text(client: openai.OpenAI, tmp_path: Any) -> None:
    write_toy(tmp_path)
    engine = load("local", model=tmp_path, threads=1, context=128)
    options: Any = {"logprobs": True, "top_logprobs": 3, "max_tokens": 40}
    with worked_through(engine):
        answer = client.chat.completions.create(
            model="echo", messages=HELLO, extra_body={"guided_choice": ["é🌱"]}, **options
        )
        legacy = client.completions.create(
            model="echo", prompt="Once", logprobs=2, max_tokens=8, seed=3
        )
    engine.close()
    (choice,) = answer.choices
    assert choice.logprobs is not None
    tokens = choice.logprobs.content or []
    assert bytes(byte for each in tokens for byte in each.bytes or []).decode() == "é🌱"
    assert choice.message.content == "é🌱"
    odds = legacy.choices[0].logprobs
    assert odds is not None
    assert len(odds.tokens or []) == len(odds.token_logprobs or []) == len(odds.text_offset or [])
    assert all(len(beside) <= 2 for beside in odds.top_logprobs or [])


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": FIND["function"]}])
def test_a_function_that_must_be_called_is(client: openai.OpenAI, choice: Any) -> None:
    with working():
        answer = client.chat.completions.create(
            model="echo", messages=HELLO, tools=[FIND], tool_choice=choice
        )
    (made,) = answer.choices
    assert (made.finish_reason, made.message.content) == ("tool_calls", None)
    (call,) = made.message.tool_calls or []
    assert call.type == "function"
    assert call.function.name == "find_tea"
    assert json.loads(call.function.arguments)["what"] == "Say hello"


def test_a_model_chooses_whether_to_call_and_goes_on_with_the_result(
    client: openai.OpenAI,
) -> None:
    """The echo calls a function that it is asked for by name."""
    asked: list[Any] = [{"role": "user", "content": "Please find_tea for me"}]
    with working():
        plain = client.chat.completions.create(model="echo", messages=HELLO, tools=[FIND])
        first = client.chat.completions.create(model="echo", messages=asked, tools=[FIND])
        calls = first.choices[0].message.tool_calls or []
        history = [
            *asked,
            first.choices[0].message.model_dump(),
            {"role": "tool", "tool_call_id": calls[0].id, "content": "Two teas"},
        ]
        last = client.chat.completions.create(model="echo", messages=history, tools=[FIND])
    assert plain.choices[0].message.content == "Say hello"
    assert plain.choices[0].message.tool_calls is None
    assert calls[0].id.startswith("call_")
    assert last.choices[0].message.content == "Two teas"


def test_a_call_is_streamed_piece_by_piece(client: openai.OpenAI) -> None:
    with (
        working(pause_s=0.15),
        client.chat.completions.stream(
            model="echo", messages=HELLO, tools=[FIND], tool_choice="required"
        ) as stream,
    ):
        final = stream.get_final_completion()
    (call,) = final.choices[0].message.tool_calls or []
    assert json.loads(call.function.arguments)["what"] == "Say hello"
    assert final.choices[0].finish_reason == "tool_calls"
    assert not final.choices[0].message.content


def test_a_small_model_calls_by_the_grammar(client: openai.OpenAI, tmp_path: Any) -> None:
    """Random weights: what they write is held to the function's schema all the same."""
    write_toy(tmp_path, max_position_embeddings=1024)
    engine = load("local", model=tmp_path, threads=1, context=1024)
    one = {"type": "object", "properties": {"n": {"enum": [1, 2]}}, "required": ["n"]}
    tool: Any = {"type": "function", "function": {"name": "pick", "parameters": one}}
    with worked_through(engine):
        answer = client.chat.completions.create(
            model="echo",
            messages=HELLO,
            tools=[tool],
            tool_choice="required",
            max_tokens=200,
            seed=1,
        )
    engine.close()
    (call,) = answer.choices[0].message.tool_calls or []
    assert call.function.name == "pick"
    assert json.loads(call.function.arguments)["n"] in (1, 2)


def test_text_that_breaks_the_schema_is_an_error_and_costs_nothing(
    client: openai.OpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The echo knows no patterns: what it writes is refused instead of passed on."""
    schema = {
        "type": "object",
        "properties": {"word": {"type": "string", "pattern": "^[0-9]+$"}},
        "required": ["word"],
    }
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    with working(), pytest.raises(openai.InternalServerError, match="does not follow the schema"):
        client.chat.completions.create(model="echo", messages=HELLO, response_format=wanted)


def response(client: openai.OpenAI, **options: Any) -> Any:
    return client.responses.create(**{"model": "echo", "input": "Say hello"} | options)


FLAT: Any = {"type": "function", **FIND["function"], "strict": None}


def test_a_response_is_answered_whole_and_as_events(client: openai.OpenAI) -> None:
    with working():
        whole = response(client, instructions="Be brief.", metadata={"a": "b"})
        cut = response(client, max_output_tokens=1)
        events = list(response(client, stream=True))
        with client.responses.stream(model="echo", input="Say hello") as stream:
            final = stream.get_final_response()
    assert (whole.output_text, whole.status) == ("Say hello", "completed")
    assert whole.usage.output_tokens == 2
    assert (cut.status, cut.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    names = [event.type.removeprefix("response.") for event in events]
    assert names[:4] == ["created", "in_progress", "output_item.added", "content_part.added"]
    assert names[-4:] == [
        *("output_text.done", "content_part.done", "output_item.done", "completed"),
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == final.output_text == "Say hello"


def test_a_response_calls_functions_and_takes_their_results(client: openai.OpenAI) -> None:
    with working():
        first = response(client, tools=[FLAT], tool_choice="required")
        events = list(response(client, tools=[FLAT], tool_choice="required", stream=True))
        (call,) = first.output
        history: list[Any] = [
            {"role": "user", "content": [{"type": "input_text", "text": "Tea?"}]},
            call.model_dump(),
            {"type": "function_call_output", "call_id": call.call_id, "output": "Two teas"},
        ]
        last = response(client, input=history, tools=[FLAT])
    assert (call.type, call.name) == ("function_call", "find_tea")
    assert json.loads(call.arguments)["what"] == "Say hello"
    done = [event for event in events if event.type == "response.function_call_arguments.done"]
    assert [event.arguments for event in done] == [call.arguments]
    assert last.output_text == "Two teas"


def test_a_response_keeps_to_a_schema_and_nothing_of_it_is_kept(client: openai.OpenAI) -> None:
    schema = {"type": "object", "properties": {"line": {"type": "string"}}, "required": ["line"]}
    form = {"format": {"type": "json_schema", "name": "ad", "schema": schema, "strict": True}}
    with working():
        answer = response(client, text=form)
    assert json.loads(answer.output_text) == {"line": "Say hello"}
    for wrong, param in (
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"reasoning": {"effort": "high"}}, "reasoning"),
        ({"extra_body": {"colour": "blue"}}, "colour"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input.0"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
    ):
        with pytest.raises(openai.BadRequestError) as refused:
            response(client, **wrong)
        assert refused.value.param == param


def test_texts_become_vectors_that_are_near_where_they_are_alike(
    client: openai.OpenAI, acme: Tenant
) -> None:
    texts = ["A lamp for the night", "A light to read by in the dark", "Shares fell on Tuesday"]
    with scoring():
        answer = client.embeddings.create(model="all-minilm-l6-v2", input=texts)
        plain = client.embeddings.create(
            model="all-minilm-l6-v2", input=texts[0], encoding_format="float"
        )
    lamp, light, shares = (each.embedding for each in answer.data)
    assert [each.index for each in answer.data] == [0, 1, 2]
    assert len(lamp) == 384
    assert dot(lamp, lamp) == pytest.approx(1, abs=1e-3)
    assert dot(lamp, light) > dot(lamp, shares) + 0.2
    assert dot(plain.data[0].embedding, lamp) == pytest.approx(1, abs=1e-2)
    assert answer.usage.prompt_tokens > plain.usage.prompt_tokens > 4
    with tenant_scope(acme):
        assert balance().reserved == 0
        assert balance().spent_this_month > 0


def dot(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


@contextmanager
def scoring() -> Iterator[None]:
    """A worker of the score queue in a thread, until the block ends."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.05):
            run("score", "test")
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(60)


def test_a_text_without_words_or_a_model_for_it_is_refused(http: httpx.Client) -> None:
    for body, status in (
        ({"model": "all-minilm-l6-v2", "input": " "}, 400),
        ({"model": "all-minilm-l6-v2", "input": [[1, 2]]}, 400),
        ({"model": "all-minilm-l6-v2", "input": "a", "dimensions": 7}, 400),
        ({"model": "text-embedding-3-small", "input": "a"}, 404),
    ):
        assert http.post("/v1/embeddings", json=body).status_code == status


def test_addresses_that_are_not_here_say_what_is(http: httpx.Client) -> None:
    for path in ("images/generations", "assistants", "threads/t/runs", "responses/resp_1", "evals"):
        answer = http.post(f"/v1/{path}", json={})
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (404, "not_available_here")
        assert len(error["message"].split()) > 5


def test_a_page_may_call_where_its_origin_is_listed(server: str, acme: Tenant) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Origin": "https://listed.example"}
    listed = httpx.options(f"{server}/v1/chat/completions", headers=asked)
    unlisted = httpx.options(
        f"{server}/v1/chat/completions", headers=asked | {"Origin": "https://other.example"}
    )
    page = httpx.get(f"{server}/account/login/", headers={"Origin": "https://listed.example"})
    assert listed.headers["Access-Control-Allow-Origin"] == "https://listed.example"
    assert "authorization" in listed.headers["Access-Control-Allow-Headers"]
    for answer in (unlisted, page):
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Access-Control-Allow-Credentials" not in listed.headers
