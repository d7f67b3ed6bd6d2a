"""A workspace's own system prompt: set in the portal and by API, told first in /v1, and charged."""

from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest
from django.test import Client

from generation.models import Brand
from tenants.jobs.models import Job
from tenants.models import LONGEST_PROMPT, AuditEvent, Tenant, User
from tenants.scope import tenant_scope
from tests.support.api import client_for as program_for
from tests.support.api import key_for
from tests.support.live import working

pytestmark = pytest.mark.django_db(transaction=True)
AT = "/api/v1/workspace/"
PROMPT = "You write for night readers. Be brief."
HELLO: list[Any] = [{"role": "user", "content": "Say hello"}]


@pytest.fixture
def client(server: str, acme: Tenant) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server}/v1", api_key=key_for(acme), max_retries=0) as client:
        yield client


@pytest.fixture
def prompted(acme: Tenant, alice: User) -> None:
    assert program_for(acme, by=alice).patch(AT, {"system_prompt": PROMPT}).status_code == 200


def told(tenant: Tenant, ask: Callable[[], Any]) -> tuple[list[tuple[str, str]], Any]:
    """What the model was told, by role, and the answer."""
    with working():
        answer = ask()
    with tenant_scope(tenant):
        payload = Job.objects.latest("created_at").payload
    return [(turn["role"], turn["content"]) for turn in payload["messages"]], answer


def chat(client: openai.OpenAI, **options: Any) -> Any:
    asked = {"model": "echo", "messages": HELLO, "max_tokens": 8} | options
    return client.chat.completions.create(**asked)


def test_without_one_nothing_is_said_in_the_workspaces_name(
    client: openai.OpenAI, acme: Tenant
) -> None:
    turns, _ = told(acme, lambda: chat(client))
    assert turns == [("user", "Say hello")]


def test_it_is_told_first_and_charged(client: openai.OpenAI, acme: Tenant, alice: User) -> None:
    _, before = told(acme, lambda: chat(client))
    program_for(acme, by=alice).patch(AT, {"system_prompt": PROMPT})
    turns, after = told(acme, lambda: chat(client))
    assert turns == [("system", PROMPT), ("user", "Say hello")]
    assert after.usage.prompt_tokens > before.usage.prompt_tokens


@pytest.mark.parametrize("role", ["system", "developer"])
def test_a_conversations_own_takes_its_place(
    client: openai.OpenAI, acme: Tenant, prompted: None, role: str
) -> None:
    own = [{"role": role, "content": "Rhyme."}, *HELLO]
    turns, _ = told(acme, lambda: chat(client, messages=own))
    assert turns == [("system", "Rhyme."), ("user", "Say hello")]


def test_responses_are_told_it_too(client: openai.OpenAI, acme: Tenant, prompted: None) -> None:
    ask = lambda: client.responses.create(model="echo", input="Say hello", max_output_tokens=16)  # noqa: E731
    turns, _ = told(acme, ask)
    assert turns[0] == ("system", PROMPT)


def test_a_brands_voice_stands_before_it(
    client: openai.OpenAI, acme: Tenant, prompted: None
) -> None:
    with tenant_scope(acme):
        Brand.objects.create(name="Lumen", tone="warm")
    turns, _ = told(acme, lambda: chat(client, metadata={"brand": "lumen"}))
    voice, _, rest = turns[0][1].rpartition("\n\n")
    assert "warm" in voice
    assert rest == PROMPT


def test_another_workspace_is_told_nothing_of_it(
    server: str, acme: Tenant, other: Tenant, prompted: None
) -> None:
    with openai.OpenAI(base_url=f"{server}/v1", api_key=key_for(other)) as stranger:
        turns, _ = told(other, lambda: chat(stranger))
    assert turns == [("user", "Say hello")]


def test_admins_set_it_and_the_audit_log_keeps_its_length(
    acme: Tenant, ada: User, bob: User, client_for: Callable[[User], Client]
) -> None:
    assert program_for(acme, by=bob).patch(AT, {"system_prompt": "x"}).status_code == 403
    form = {"name": "Acme", "time_zone": "UTC", "system_prompt": PROMPT}
    assert client_for(ada).post("/w/acme/settings/general/", form).status_code == 302
    api = program_for(acme, by=ada)
    assert api.get(AT).json()["system_prompt"] == PROMPT
    assert PROMPT in client_for(ada).get("/w/acme/settings/general/").content.decode()
    with tenant_scope(acme):
        event = AuditEvent.objects.get(name="workspace.system_prompt")
    assert event.data == {"before": 0, "after": len(PROMPT)}
    assert api.patch(AT, {"name": "Acme Foods"}).json()["system_prompt"] == PROMPT
    assert api.patch(AT, {"system_prompt": ""}).json()["system_prompt"] == ""


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"system_prompt": "x" * (LONGEST_PROMPT + 1)}, "/system_prompt"),
        ({"system_prompt": "a\0b"}, "/system_prompt"),
        ({"slug": "mine"}, "/slug"),
        ({"name": ""}, "/name"),
    ],
)
def test_what_does_not_fit_is_named(
    acme: Tenant, alice: User, body: dict[str, str], pointer: str
) -> None:
    answer = program_for(acme, by=alice).patch(AT, body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
