"""The page Developers: every call that it prints is made as it stands, on a server that runs."""

import html
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.test import Client

from generation.models import Brand, Content
from generation.presentation.calls import LANGUAGES, Calls, templates
from generation.views.developers import GUIDE
from tenants.models import ApiKey, Tenant, User
from tenants.scope import tenant_scope
from tests.support.api import ALL, key_for
from tests.support.chromium import chromium
from tests.support.live import served, working

pytestmark = pytest.mark.django_db(transaction=True)

PRINTED = re.compile(r'<pre id="call-(\w+)".*?><code>(.*?)</code></pre>', re.DOTALL)
LIMIT_S = 90
STEPS = ["first", *(step.name for step in GUIDE), "events"]


@pytest.fixture(scope="module")
def server(django_db_setup: None, django_db_blocker: object) -> Iterator[str]:
    with served() as address:
        yield address


@pytest.fixture
def named(acme: Tenant) -> Brand:
    """A brand whose words are hard on shells and JSON."""
    with tenant_scope(acme):
        facts = ["It’s “new” & 100% 'wool'", 'Says "hush"', "Costs $HOME `id`"]
        return Brand.objects.create(name="O'Neill & Söhne", facts=facts, is_default=True)


def printed(server: str, user: User, language: str) -> dict[str, str]:
    """The calls of the page, as a reader copies them."""
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    cookies = {name: client.cookies[name].value}
    page = httpx.get(f"{server}/w/acme/developers/?code={language}", cookies=cookies, timeout=60)
    assert page.status_code == 200
    return {step: html.unescape(code) for step, code in PRINTED.findall(page.text)}


@pytest.fixture
def calls(
    server: str, acme: Tenant, alice: User, named: Brand
) -> Iterator[Callable[[str], dict[str, str]]]:
    with working():
        yield lambda language: printed(server, alice, language)


def published(acme: Tenant) -> Content:
    with tenant_scope(acme):
        content: Content = Content.objects.get()
    assert (content.status, content.labels) == ("published", ["first try"])
    return content


def in_shell(code: str, variables: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-euc", code],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=True,
    )
    return done.stdout


def at(answer: Any, path: str) -> str:
    for step in re.findall(r"\w+", path):
        answer = answer[int(step) if step.isdigit() else step]
    return str(answer)


def test_every_curl_call_is_answered(
    calls: Callable[[str], dict[str, str]], acme: Tenant, alice: User
) -> None:
    code = calls("curl")
    assert list(code) == ["key", *STEPS]
    variables = {"KINDLING_KEY": key_for(acme, by=alice)}
    keep = {step.name: step.keep for step in GUIDE}
    for step in STEPS:
        said = in_shell(code[step], variables)
        if step in {"export", "events"}:
            assert said.startswith("<!doctype html>" if step == "export" else "retry:"), said
            continue
        answer = json.loads(said)
        assert "retryable" not in answer, said
        assert not answer.get("error"), said
        variables |= {name: at(answer, path) for name, path in keep.get(step, ())}
    assert published(acme).title


def test_the_python_program_runs(
    calls: Callable[[str], dict[str, str]], acme: Tenant, alice: User
) -> None:
    code = calls("python")
    program = "\n".join(code[step] for step in STEPS)
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "KINDLING_KEY": key_for(acme, by=alice)},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stderr
    assert "\npublished\n" in done.stdout
    assert "event: done" in done.stdout
    published(acme)


def test_the_typescript_program_runs(
    calls: Callable[[str], dict[str, str]],
    server: str,
    acme: Tenant,
    alice: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In Chromium, which the tests have; nothing in it is of a browser or of Node alone."""
    code, key = calls("typescript"), key_for(acme, by=alice)
    program = "\n".join(code[step] for step in STEPS)
    said: list[str] = []
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(LIMIT_S * 1000)
        page.on("console", lambda message: said.append(message.text))
        page.goto(f"{server}/healthz")
        process = json.dumps({"env": {"KINDLING_KEY": key}})
        page.evaluate(f"async () => {{ const process = {process};\n{program}\n}}")
    assert "published" in said
    published(acme)


def test_the_calls_name_the_workspaces_own_brand(
    acme: Tenant, alice: User, named: Brand, client_for: Callable[[User], Client]
) -> None:
    page = client_for(alice).get("/w/acme/developers/").content.decode()
    assert "kindling/oneill-söhne" in page
    assert str(named.pk) in page
    assert "It speaks in the voice of O&#x27;Neill &amp; Söhne." in page


def test_every_language_has_every_step() -> None:
    for language in LANGUAGES:
        assert {"key", *STEPS} <= templates(language).keys()
        assert not [step for step in STEPS if "@" in Calls(language, "http://x")[step]]


def test_it_tells_of_errors_limits_events_and_changes(
    acme: Tenant, alice: User, client_for: Callable[[User], Client]
) -> None:
    page = client_for(alice).get("/w/acme/developers/").content.decode()
    for words in (
        "insufficient_credits",
        "Waiting jobs",
        "server-sent events",
        "Workspaces with roles",
    ):
        assert words in page
    assert "/w/acme/settings/api-keys/" in page


def test_visitors_read_it_and_members_are_led_to_their_own(
    acme: Tenant, alice: User, client: Client, client_for: Callable[[User], Client]
) -> None:
    page = client.get("/developers/").content.decode()
    assert "YOUR_BRAND_ID" in page
    assert "/w/acme" not in page
    assert client_for(alice).get("/developers/")["Location"] == "/w/acme/developers/"
    assert 'href="/developers/"' in client.get("/").content.decode()


@pytest.mark.parametrize(("scopes", "path"), [(ALL, "/v1/chat/completions"), (["read"], "/me/")])
def test_a_new_key_comes_with_a_call_that_it_may_make(
    acme: Tenant, alice: User, client_for: Callable[[User], Client], scopes: list[str], path: str
) -> None:
    asked = {"name": "Shop", "scopes": scopes, "days": "30", "role": ""}
    page = client_for(alice).post("/w/acme/settings/api-keys/", asked).content.decode()
    call = html.unescape(page.split('id="first-call"')[1].split("</pre>")[0])
    with tenant_scope(acme):
        assert f'export KINDLING_KEY="{ApiKey.objects.get().shown_prefix}' in call
    assert path in call
    assert "/w/acme/developers/" in page
