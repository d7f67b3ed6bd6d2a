"""Bad inputs and their answers, by the number that the project's list of promises gives them."""

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.test import override_settings
from psycopg.errors import DeadlockDetected
from rest_framework.test import APIClient

from generation.models import Brand
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.support.api import client_for, key_for

pytestmark = pytest.mark.django_db

BRANDS = "/api/v1/brands/"
BRIEFS = "/api/v1/briefs/"
CHAT = "/v1/chat/completions"
HELLO = [{"role": "user", "content": "Hello"}]


@dataclass(frozen=True)
class Case:
    """A request, and what is to come of it. A body of bytes is sent as it stands."""

    row: str
    status: int
    code: str
    path: str = BRANDS
    method: str = "post"
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    pointer: str = ""
    field_code: str = ""


def named(row: str, value: bytes, pointer: str, code: str) -> Case:
    """A brand whose JSON is written by hand."""
    body = b'{"name": "Lumen", ' + value + b"}"
    return Case(row, 422, "validation_failed", body=body, pointer=pointer, field_code=code)


def unknown(row: str, name: str, code: str) -> Case:
    body = {"name": "Lumen", name: "1"}
    return Case(row, 422, "validation_failed", body=body, pointer=f"/{name}", field_code=code)


def query(row: str, text: str, code: str) -> Case:
    return Case(row, 422, code, path=f"{BRANDS}?{text}", method="get")


def chat(row: str, field_code: str = "", **body: Any) -> Case:
    whole = {"model": "echo", "messages": HELLO, "max_tokens": 4} | body
    pointer = next(iter(body))
    return Case(row, 400, field_code, path=CHAT, body=whole, pointer=pointer)


MALFORMED = {
    "not json": b"name=Lumen",
    "truncated": b'{"name": "Lum',
    "nan": b'{"name": NaN}',
    "infinity": b'{"name": -Infinity}',
    "1e309": b'{"name": 1e309}',
    "twice": b'{"name": "a", "name": "b"}',
    "deep": b'{"name": ' + b"[" * 40 + b"]" * 40 + b"}",
    "bottomless": b"[" * 200_000,
    "half a pair": b'{"name": "\\ud800"}',
    "not utf-8": b'{"name": "\xff"}',
    "400 digits": b'{"name": ' + b"9" * 5000 + b"}",
    "comma": b'{"name": "a",}',
    "bom": b'\xef\xbb\xbf{"name": "a"}',
}
MASS = ("tenant_id", "tenant", "is_admin", "balance", "role", "created_at", "id")
CASES = [
    *(Case(f"28-{name}", 400, "json_malformed", body=body) for name, body in MALFORMED.items()),
    Case("28-type", 415, "unsupported_media_type", body=b"a=1", content_type="text/plain"),
    Case(
        "28-charset",
        415,
        "unsupported_media_type",
        body=b"{}",
        content_type="application/json; charset=utf-16",
    ),
    Case("28-not-an-object", 422, "validation_failed", body=b"[1, 2]", pointer="/"),
    unknown("29-unknown-field", "colour", "unknown_field"),
    named("30-number-for-text", b'"about": 1', "/about", "invalid"),
    named("30-text-for-bool", b'"is_default": "true"', "/is_default", "invalid"),
    named("30-number-for-bool", b'"is_default": 1', "/is_default", "invalid"),
    named("30-null", b'"about": null', "/about", "null"),
    named("30-text-for-list", b'"do": "this"', "/do", "not_a_list"),
    named("30-too-long", b'"about": "' + b"x" * 2001 + b'"', "/about", "max_length"),
    named("30-inner", b'"do": ["a", 2]', "/do/1", "invalid"),
    named("30-nul", b'"about": "a\\u0000b"', "/about", "null_characters_not_allowed"),
    *(unknown(f"31-{name}", name, "read_only_field") for name in MASS),
    Case("34-not-a-uuid", 404, "not_found", path=f"{BRANDS}42/", method="get"),
    Case("34-sql", 404, "not_found", path=f"{BRANDS}1%27%20OR%201=1--/", method="get"),
    Case("34-traversal", 404, "not_found", path=f"{BRANDS}..%2f..%2fetc/", method="get"),
    Case("35-route", 404, "not_found", path="/api/v1/nothing/", method="get"),
    Case("35-outside", 404, "not_found", path="/api/v9/brands/", method="get"),
    Case("35-method", 405, "method_not_allowed", method="put", body={}),
    Case("35-options", 405, "method_not_allowed", method="options"),
    Case("36-accept", 406, "not_acceptable", method="get", headers={"HTTP_ACCEPT": "text/html"}),
    query("37-limit-huge", "limit=1000000000", "invalid_parameter"),
    query("37-limit-negative", "limit=-1", "invalid_parameter"),
    query("37-limit-zero", "limit=0", "invalid_parameter"),
    query("37-limit-fullwidth", "limit=１２", "invalid_parameter"),
    query("37-cursor", "after=tampered", "invalid_cursor"),
    query("37-both", "after=a&before=b", "invalid_parameter"),
    query("38-order", "order=password", "invalid_parameter"),
    query("38-order-path", "order=tenant__name", "invalid_parameter"),
    query("38-filter", "tenant=1", "invalid_parameter"),
    query("38-empty", "order=", "invalid_parameter"),
    query("38-twice", "limit=1&limit=2", "invalid_parameter"),
    query("38-lookup", "name__startswith=a", "invalid_parameter"),
    Case("38-value", 422, "invalid_parameter", path=f"{BRIEFS}?kind=poem", method="get"),
    Case(
        "39-long-search",
        422,
        "invalid_parameter",
        path=f"/api/v1/contents/?q={'x' * 10_000}",
        method="get",
    ),
    Case("39-nul-search", 422, "invalid_parameter", path="/api/v1/contents/?q=a%00", method="get"),
    Case(
        "44-version",
        400,
        "unsupported_api_version",
        method="get",
        headers={"HTTP_KINDLING_VERSION": "1999-01-01"},
    ),
    Case("45-no-key", 400, "idempotency_key_missing", path=BRIEFS, body={}),
    Case(
        "48-long-key",
        400,
        "idempotency_key_invalid",
        body={"name": "a"},
        headers={"HTTP_IDEMPOTENCY_KEY": "x" * 256},
    ),
    Case(
        "48-control",
        400,
        "idempotency_key_invalid",
        body={"name": "a"},
        headers={"HTTP_IDEMPOTENCY_KEY": "a\x07b"},
    ),
    Case("413-body", 413, "payload_too_large", body=b'{"name": "' + b"x" * 1_100_000 + b'"}'),
    chat("56-context", "context_length_exceeded", messages=[HELLO[0] | {"content": "x" * 200_000}]),
    chat("57-empty", "prompt_empty", messages=[HELLO[0] | {"content": "  \u200b\u0007 "}]),
    *(chat(f"58-max_tokens-{value}", max_tokens=value) for value in (0, -1, 10**9, "9", 1.5)),
    *(chat(f"58-temperature-{value}", temperature=value) for value in (-1, 1e9, "1")),
    *(chat(f"58-n-{value}", n=value) for value in (0, 10_000, True)),
    chat("58-stop", stop=["x"] * 1000),
    chat("58-stop-empty", stop=[""]),
    chat("58-seed", seed=2**64),
    chat("58-bias", logit_bias={"x": 1}),
    chat("58-unknown", "unknown_field", colour="red"),
    chat("61-role", messages=[{"role": "wizard", "content": "Hi"}]),
    chat("61-10000", messages=HELLO * 10_000),
    chat("61-image", messages=[{"role": "user", "content": [{"type": "image_url"}]}]),
    Case("128-unknown", 401, "not_authenticated", headers={"HTTP_AUTHORIZATION": "Bearer sk_no"}),
    Case("128-basic", 401, "not_authenticated", headers={"HTTP_AUTHORIZATION": "Basic YTpi"}),
    Case("128-none", 401, "not_authenticated", headers={"HTTP_AUTHORIZATION": ""}),
]


def send(api: APIClient, case: Case) -> Any:
    if "HTTP_AUTHORIZATION" in case.headers:
        api.credentials()
    body = case.body if isinstance(case.body, bytes) else json.dumps(case.body)
    data = b"" if case.body is None else body
    return api.generic(
        case.method.upper(), case.path, data, content_type=case.content_type, **case.headers
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.row)
def test_it_is_answered_as_promised(api: APIClient, acme: Tenant, case: Case) -> None:
    answer = send(api, case)
    found = answer.json()
    assert answer.status_code == case.status, found
    if case.path == CHAT:
        assert found["error"]["param"].split(".")[0] == case.pointer
        assert case.field_code in {"", found["error"]["code"]}
    else:
        assert_problem(answer, case)
    with tenant_scope(acme):
        assert not Brand.objects.exists()


def assert_problem(answer: Any, case: Case) -> None:
    found = answer.json()
    assert answer["Content-Type"] == "application/problem+json"
    assert (found["code"], found["status"]) == (case.code, case.status)
    assert found["type"].endswith(case.code.replace("_", "-"))
    assert found["request_id"] == answer["X-Request-Id"]
    assert found["retryable"] is (case.status in {429, 503})
    if case.status == 405:
        assert "GET" in answer["Allow"]
    if case.pointer:
        errors = {each["pointer"]: each["code"] for each in found["errors"]}
        assert case.field_code in {"", errors[case.pointer]}


def test_the_same_request_without_the_fault_is_taken(api: APIClient) -> None:
    """The control: the table above does not pass because everything is refused."""
    assert send(api, Case("", 201, "", body={"name": "Lumen"})).status_code == 201


def without_id(answer: Any) -> str:
    found = answer.json()
    del found["request_id"], found["instance"]
    return json.dumps(found)


def test_32_a_foreign_id_in_the_path_is_like_any_other(stranger: APIClient, brand: Brand) -> None:
    foreign, random = (stranger.get(f"{BRANDS}{pk}/") for pk in (brand.pk, uuid4()))
    assert foreign.status_code == random.status_code == 404
    assert without_id(foreign) == without_id(random)
    assert stranger.patch(f"{BRANDS}{brand.pk}/", {"name": "Mine"}).status_code == 404
    assert stranger.delete(f"{BRANDS}{brand.pk}/").status_code == 404


def test_33_a_foreign_id_in_the_body_does_not_exist(stranger: APIClient, brand: Brand) -> None:
    body = {"kind": "search_ad", "fields": {"product": "Lamp", "points": ["Dim"]}}
    foreign, random = (
        stranger.post(BRIEFS, body | {"brand": str(pk)}, HTTP_IDEMPOTENCY_KEY=str(pk))
        for pk in (brand.pk, uuid4())
    )
    assert foreign.status_code == random.status_code == 422
    assert foreign.json()["errors"] == random.json()["errors"]
    assert foreign.json()["errors"][0]["code"] == "does_not_exist"


def test_33_a_foreign_id_in_the_query_does_not_exist(stranger: APIClient, brand: Brand) -> None:
    foreign, random = (stranger.get(BRIEFS, {"brand": str(pk)}) for pk in (brand.pk, uuid4()))
    assert foreign.status_code == random.status_code == 422
    assert without_id(foreign) == without_id(random)
    assert foreign.json()["errors"][0]["code"] == "does_not_exist"


def test_37_a_cursor_of_another_workspace_or_list_means_nothing(
    api: APIClient, stranger: APIClient, acme: Tenant
) -> None:
    for name in ("One", "Two"):
        api.post(BRANDS, {"name": name})
    cursor = api.get(BRANDS, {"limit": 1}).json()["next_cursor"]
    assert api.get(BRANDS, {"after": cursor}).status_code == 200
    refused = (
        stranger.get(BRANDS, {"after": cursor}),
        api.get("/api/v1/audiences/", {"after": cursor}),
        api.get(BRANDS, {"after": cursor, "order": "name"}),
    )
    assert [answer.json()["code"] for answer in refused] == ["invalid_cursor"] * 3


def test_44_the_versions_that_there_are_stand_in_the_refusal(api: APIClient) -> None:
    refused = api.get(BRANDS, HTTP_KINDLING_VERSION="1999-01-01").json()
    (known,) = refused["supported"]
    assert api.get(BRANDS, HTTP_KINDLING_VERSION=known).status_code == 200


def test_56_a_prompt_that_is_too_long_is_measured(api: APIClient) -> None:
    long = [HELLO[0] | {"content": "x" * 200_000}]
    found = api.post(CHAT, {"model": "echo", "messages": long}).json()["error"]
    assert found["limit"] < 200_000 <= found["requested"]


def test_41_headers_that_claim_a_tenant_are_ignored(stranger: APIClient, brand: Brand) -> None:
    claims = {
        "HTTP_X_FORWARDED_FOR": "127.0.0.1",
        "HTTP_X_TENANT_ID": str(brand.tenant_id),
        "HTTP_X_USER_ID": "1",
    }
    assert stranger.get(BRANDS, **claims).json()["data"] == []


def test_42_a_method_override_is_ignored(api: APIClient, brand: Brand) -> None:
    answer = api.get(f"{BRANDS}{brand.pk}/", HTTP_X_HTTP_METHOD_OVERRIDE="DELETE")
    assert answer.status_code == 200
    assert api.get(f"{BRANDS}{brand.pk}/").status_code == 200


def test_43_no_other_origin_is_let_in(api: APIClient) -> None:
    answer = api.get(BRANDS, HTTP_ORIGIN="https://evil.example")
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


@override_settings(LIMITS={"requests": 2})
def test_50_too_many_requests(api: APIClient) -> None:
    answers = [api.get(BRANDS) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    refused = answers[-1]
    assert refused.json() | {"policy": "requests", "remaining": 0, "limit": 2} == refused.json()
    assert refused["RateLimit-Policy"] == '"requests";q=2;w=60'
    assert 0 < int(refused["Retry-After"]) <= 60
    assert refused.json()["retryable"] is True


@override_settings(LIMITS={"requests": 1})
def test_50_spoofed_addresses_and_other_keys_share_the_bucket(api: APIClient, acme: Tenant) -> None:
    assert api.get(BRANDS).status_code == 200
    assert api.get(BRANDS, HTTP_X_FORWARDED_FOR="8.8.8.8").status_code == 429
    assert client_for(acme).get(BRANDS).status_code == 429


def test_51_a_database_that_is_down(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object, **__: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr("tenants.api.TenantViewSet.get_queryset", down)
    answer = api.get(BRANDS)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "refused" not in answer.content.decode()


def test_51_a_database_that_is_down_at_the_door(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object, **__: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr("tenants.authentication.admitted", down)
    answer = api.get(BRANDS)
    assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")


def test_53_a_deadlock(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def stuck(*_: object, **__: object) -> None:
        raise OperationalError("deadlock detected") from DeadlockDetected()

    monkeypatch.setattr("tenants.api.TenantViewSet.get_queryset", stuck)
    answer = api.get(BRANDS)
    assert (answer.status_code, answer.json()["code"]) == (503, "transaction_conflict")


def test_54_an_unexpected_exception_shows_nothing(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("SELECT secret FROM /etc/passwd")

    monkeypatch.setattr("tenants.api.TenantViewSet.get_queryset", broken)
    api.raise_request_exception = False
    answer = api.get(BRANDS)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.content.decode()
    assert answer.json()["request_id"] == answer["X-Request-Id"]


def test_74_a_job_of_another_workspace_is_not_there(stranger: APIClient) -> None:
    for way in ("", "stream/"):
        assert stranger.get(f"/api/v1/jobs/{uuid4()}/{way}").status_code == 404


def test_128_keys_that_do_not_fit(api: APIClient, reader: APIClient, acme: Tenant) -> None:
    refused = reader.post(BRANDS, {"name": "Lumen"})
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
    leaked = APIClient().get(BRANDS, {"api_key": key_for(acme)})
    assert (leaked.status_code, leaked.json()["code"]) == (400, "key_in_url")
    assert APIClient().get(BRANDS)["WWW-Authenticate"] == 'Bearer realm="kindling"'


def test_133_a_closed_workspace_is_closed(api: APIClient, acme: Tenant) -> None:
    for status, code in ((Tenant.Status.SUSPENDED, 403), (Tenant.Status.ERASING, 410)):
        with tenant_scope(acme):
            acme.status = status
            acme.save(update_fields=["status"])
        assert api.get(BRANDS).status_code == code
