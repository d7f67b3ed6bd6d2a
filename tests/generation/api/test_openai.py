"""The official `openai` client against a running server."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from generation.engine import load
from generation.engine.echo import BASE_SHA256
from generation.serving.job_kinds import ENCODERS
from tenants.billing.services import balance, reserve
from tenants.jobs.models import Job
from tenants.jobs.streams import publish, stream_key
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.generation.engine.toys import write_toy
from tests.support.api import key_for
from tests.support.live import worked_through, working
from tests.training.conftest import upload
from training.services import version_import, version_promote, version_quarantine

pytestmark = pytest.mark.django_db(transaction=True)

HELLO: list[Any] = [{"role": "user", "content": "Say hello to the night readers"}]
WORDS = "Say hello to the night readers"


@pytest.fixture
def client(server: str, acme: Tenant) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server}/v1", api_key=key_for(acme), max_retries=0) as client:
        yield client


def chat(client: openai.OpenAI, **options: Any) -> Any:
    return client.chat.completions.create(
        **{"model": "echo", "messages": HELLO, "max_tokens": 32} | options
    )


def test_models_are_listed_and_found(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["kindling", "echo", *ENCODERS]
    assert client.models.retrieve("echo").owned_by == "kindling"
    with pytest.raises(openai.NotFoundError) as refused:
        client.models.retrieve("gpt-9")
    assert refused.value.code == "model_not_found"


def test_the_live_model_and_each_version_have_a_name(client: openai.OpenAI, acme: Tenant) -> None:
    with tenant_scope(acme):
        version = version_import(upload=upload())
        version_promote(version=version)
    assert [model.id for model in client.models.list()] == [
        *("kindling", "echo", "kindling:1"),
        *ENCODERS,
    ]
    assert client.models.retrieve("kindling:1").parent == "echo"
    with working():
        prints = {
            name: chat(client, model=name).system_fingerprint
            for name in ("kindling", "kindling:1", "echo")
        }
        ends = [chunk.system_fingerprint for chunk in chat(client, model="kindling", stream=True)]
    used = f"fp_{BASE_SHA256[:12]}_{version.sha256[:12]}"
    assert prints == {"kindling": used, "kindling:1": used, "echo": f"fp_{BASE_SHA256[:12]}"}
    assert set(ends) == {used}


def test_a_version_that_is_unknown_foreign_or_on_hold_is_refused(
    client: openai.OpenAI, acme: Tenant, other: Tenant
) -> None:
    with tenant_scope(acme):
        version = version_import(upload=upload())
        version_promote(version=version)
        version_quarantine(version=version)
    with tenant_scope(other):
        for seed in (1, 2):
            version_import(upload=upload(seed=seed))
    for name in ("kindling:2", "kindling:9", "kindling:x", "kindling:", f"kindling:{'9' * 99}"):
        with pytest.raises(openai.NotFoundError) as refused:
            chat(client, model=name)
        assert refused.value.code == "model_not_found"
    for name in ("kindling", "kindling:1"):
        with pytest.raises(openai.ConflictError) as held:
            chat(client, model=name)
        body: Any = held.value.body
        assert (body["code"], body["state"]) == ("adapter_not_available", "quarantined")
    assert [model.id for model in client.models.list()] == ["kindling", "echo", *ENCODERS]
    with tenant_scope(acme):
        assert not Job.objects.exists()


def test_a_chat_is_answered_as_a_whole(client: openai.OpenAI, acme: Tenant) -> None:
    with working():
        answer = chat(client)
    assert answer.choices[0].message.content == WORDS
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.completion_tokens == 6
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 6
    with tenant_scope(acme):
        assert balance().reserved == 0
        assert balance().spent_this_month > 0


def test_a_chat_is_streamed(client: openai.OpenAI) -> None:
    with working():
        chunks = list(chat(client, stream=True, stream_options={"include_usage": True}))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == WORDS
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage.completion_tokens == 6
    assert len({chunk.id for chunk in chunks}) == 1


def test_several_choices_each_come_whole(client: openai.OpenAI) -> None:
    with working():
        answer = chat(client, n=3, seed=0)
        chunks = list(chat(client, n=3, seed=0, stream=True))
    whole = [choice.message.content for choice in answer.choices]
    streamed = ["", "", ""]
    for chunk in chunks:
        for choice in chunk.choices:
            streamed[choice.index] += choice.delta.content or ""
    assert streamed == whole
    assert len(set(whole)) == 3


def test_a_text_is_cut_at_its_limit(client: openai.OpenAI) -> None:
    with working():
        answer = chat(client, max_completion_tokens=2)
    assert answer.choices[0].message.content == "Say hello"
    assert answer.choices[0].finish_reason == "length"


def test_a_stop_string_ends_the_text(client: openai.OpenAI) -> None:
    with working():
        assert chat(client, stop="night").choices[0].message.content.strip() == "Say hello to the"


def test_json_follows_the_schema(client: openai.OpenAI) -> None:
    schema = {"type": "object", "properties": {"line": {"type": "string"}}, "required": ["line"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "ad", "schema": schema}}
    with working():
        answer = chat(client, response_format=wanted)
    assert json.loads(answer.choices[0].message.content) == {"line": WORDS}


def test_a_text_is_continued(client: openai.OpenAI) -> None:
    with working():
        answer = client.completions.create(model="echo", prompt="Once upon", max_tokens=8)
        chunks = list(client.completions.create(model="echo", prompt="Once upon", stream=True))
    assert answer.choices[0].text == "Once upon"
    assert "".join(chunk.choices[0].text for chunk in chunks) == "Once upon"


def test_an_unknown_key_is_refused(server: str) -> None:
    with pytest.raises(openai.AuthenticationError):
        chat(openai.OpenAI(base_url=f"{server}/v1", api_key="sk_no", max_retries=0))


BAD = {
    "temperature": 3,
    "top_p": -0.1,
    "n": 9,
    "stop": ["x"] * 17,
    "max_tokens": 0,
    "presence_penalty": 2.5,
    "logit_bias": {"1": 500},
    "messages": [{"role": "wizard", "content": "Hi"}],
    "response_format": {"type": "xml"},
    "tools": [{"type": "web_search"}],
}


@pytest.mark.parametrize("field", BAD)
def test_a_value_out_of_range_is_named(client: openai.OpenAI, field: str, acme: Tenant) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        chat(client, **{field: BAD[field]})
    assert refused.value.param.split(".")[0] == field
    assert refused.value.type == "invalid_request_error"
    with tenant_scope(acme):
        assert not Job.objects.exists()


def test_a_prompt_that_is_too_long_says_so(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        chat(client, messages=[{"role": "user", "content": "word " * 40_000}])
    assert refused.value.code == "context_length_exceeded"


def test_without_credits_it_is_a_quota_error(client: openai.OpenAI, acme: Tenant) -> None:
    with tenant_scope(acme):
        reserve(amount=balance().available, purpose="test", key="all")
    with pytest.raises(openai.RateLimitError) as refused:
        chat(client)
    assert refused.value.code == "insufficient_quota"


def test_a_retried_chat_is_written_and_paid_once(client: openai.OpenAI, acme: Tenant) -> None:
    headers = {"Idempotency-Key": "chat-1"}
    with working():
        first = chat(client, extra_headers=headers)
        again = client.chat.completions.with_raw_response.create(
            model="echo", messages=HELLO, max_tokens=32, extra_headers=headers
        )
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.parse().id == first.id
    assert again.parse().choices == first.choices
    assert states(acme) == ["succeeded"]


def test_69_text_that_must_begin_anew_ends_the_stream(client: openai.OpenAI, acme: Tenant) -> None:
    """A worker died in the middle: what was sent cannot be taken back, so the caller is told."""
    answer = chat(client, stream=True)
    with tenant_scope(acme):
        job = Job.objects.get()
    for name, data in (("token", {"index": 0, "text": "Half a"}), ("reset", {})):
        publish([(stream_key(acme.pk, job.topic), name, {**job.tags, **data})])
    with pytest.raises(openai.APIError, match="broke off"):
        list(answer)
    await_state(acme, "cancelled", 5)  # once the request is over


def states(tenant: Tenant) -> list[str]:
    with tenant_scope(tenant):
        return list(Job.objects.order_by("created_at").values_list("state", flat=True))


def await_state(tenant: Tenant, state: str, seconds: float) -> float:
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if states(tenant) == [state]:
            return time.monotonic() - began
        time.sleep(0.05)
    raise AssertionError(states(tenant))


@pytest.mark.parametrize("stream", [True, False])
def test_a_closed_connection_stops_the_work(
    client: openai.OpenAI, acme: Tenant, stream: bool
) -> None:
    long = [{"role": "user", "content": "word " * 400}]
    with working(pause_s=0.05):
        if stream:
            answer = chat(client, messages=long, stream=True, max_tokens=400)
            for _, _chunk in zip(range(5), answer, strict=False):
                pass
            answer.close()
        else:
            with pytest.raises(openai.APITimeoutError):
                chat(client, messages=long, max_tokens=400, timeout=1)
        assert await_state(acme, "cancelled", 5) <= 2.5
    with tenant_scope(acme):
        assert balance().reserved == 0
        assert 0 < balance().spent_this_month < 200 * 1000 + 400 * 100


def test_who_has_a_key_to_come_back_with_may_lose_the_connection(
    client: openai.OpenAI, acme: Tenant
) -> None:
    """The work goes on, and the retry gets its text."""
    long = [{"role": "user", "content": "word " * 40}]
    asked = {"messages": long, "max_tokens": 60, "extra_headers": {"Idempotency-Key": "k"}}
    with working(pause_s=0.05):
        with pytest.raises(openai.APITimeoutError):
            chat(client, **asked, timeout=1)
        again = chat(client, **asked)
    assert again.choices[0].message.content.startswith("word word")
    assert states(acme) == ["succeeded"]


def test_the_odds_of_each_token_are_told(
    client: openai.OpenAI, acme: Tenant, tmp_path: Path
) -> None:
    """By a small model of random weights: only the engine itself has odds to tell."""
    write_toy(tmp_path)
    engine = load("local", model=tmp_path, threads=1, context=128)
    asked = {"logprobs": True, "top_logprobs": 2, "seed": 3, "max_tokens": 12}
    with worked_through(engine):
        whole = chat(client, **asked).choices[0]
        chunks = list(chat(client, stream=True, **asked))
        bare = chat(client, max_tokens=4).choices[0]
    engine.close()
    content = whole.logprobs.content
    assert bare.logprobs is None
    assert len(content) > 0
    assert all(each.logprob <= each.top_logprobs[0].logprob for each in content)
    assert all(len(each.top_logprobs) == 2 for each in content)
    pieces = [c.choices[0].logprobs for c in chunks if c.choices and c.choices[0].logprobs]
    streamed = [each.token for piece in pieces for each in piece.content]
    assert streamed == [each.token for each in content]


def test_how_many_odds_needs_odds(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        chat(client, top_logprobs=2)
    assert refused.value.param == "top_logprobs"
