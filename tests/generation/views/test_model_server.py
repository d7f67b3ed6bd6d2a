"""The page about a workspace's own model server: who may, what it says, what it never shows."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from generation.models import Endpoint
from tenants.models import AuditEvent, Tenant, User
from tenants.scope import tenant_scope
from tests.generation.views.conftest import Url, signed_in
from tests.support.model_server import ModelServer, model_server

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_acme")]
KEY = "mk-canary-3f9c27aa5d1e"
FORM = {"model": "big-model", "dialect": "vllm", "key": KEY}


@pytest.fixture
def server(settings: Any) -> Iterator[ModelServer]:
    settings.ENDPOINT_NETWORKS = ["127.0.0.0/8"]
    with model_server(ModelServer(key=KEY)) as made:
        yield made


@pytest.fixture
def admin(ada: User) -> Client:
    return signed_in(ada)


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("created_at").values_list("name", flat=True))


def test_an_owner_connects_a_server_and_the_key_is_not_shown_again(
    owner: Client, url: Url, server: ModelServer
) -> None:
    answer = owner.post(url("model-server"), FORM | {"base_url": f"{server.url}/"}, follow=True)
    page = answer.content.decode()
    stored = Endpoint.objects.get()
    assert (stored.base_url, stored.model, stored.dialect) == (server.url, "big-model", "vllm")
    assert (stored.key, stored.key_tail, stored.enabled) == (KEY, "5d1e", True)
    assert "…5d1e" in page
    assert "canary" not in page
    assert actions()[-1] == "endpoint.added"
    assert "canary" not in str(list(AuditEvent.objects.values()))


def test_an_admin_sees_it_and_may_not_change_it(
    owner: Client, admin: Client, url: Url, server: ModelServer
) -> None:
    assert "An owner can connect" in admin.get(url("model-server")).content.decode()
    owner.post(url("model-server"), FORM | {"base_url": server.url})
    page = admin.get(url("model-server")).content.decode()
    assert server.url in page
    assert "/settings/model-server/test" not in page
    refused = admin.post(url("model-server"), FORM | {"base_url": server.url, "model": "other"})
    assert refused.status_code == 403
    for name in ("test", "switch", "delete"):
        assert admin.post(url(f"model-server-{name}")).status_code == 403
    assert Endpoint.objects.get().model == "big-model"


@pytest.mark.parametrize("address", ["http://10.0.0.1/v1", "https://169.254.169.254/", "file:///x"])
def test_an_address_that_is_not_allowed_is_refused_beside_its_field(
    owner: Client, url: Url, address: str
) -> None:
    answer = owner.post(url("model-server"), FORM | {"base_url": address})
    assert answer.status_code == 422
    assert answer.context["form"].errors["base_url"]
    assert not Endpoint.objects.exists()


def test_the_key_stays_where_none_is_given_and_goes_to_no_other_server(
    owner: Client, url: Url, server: ModelServer
) -> None:
    form = FORM | {"base_url": server.url}
    owner.post(url("model-server"), form)
    owner.post(url("model-server"), form | {"key": "", "model": "bigger"})
    assert (Endpoint.objects.get().model, Endpoint.objects.get().key) == ("bigger", KEY)
    elsewhere = {**form, "key": "", "base_url": "http://127.0.0.2:9000/v1"}
    answer = owner.post(url("model-server"), elsewhere)
    assert answer.status_code == 422
    assert "another server" in str(answer.context["form"].errors["key"])
    assert Endpoint.objects.get().base_url == server.url


def connect(owner: Client, url: Url, server: ModelServer, key: str = KEY) -> None:
    owner.post(url("model-server"), FORM | {"base_url": server.url, "key": key})


def test_a_test_asks_the_server_for_a_few_words(
    owner: Client, url: Url, server: ModelServer
) -> None:
    connect(owner, url, server)
    page = owner.post(url("model-server-test"), follow=True).content.decode()
    (call,) = server.asked()
    assert (call.key, call.body["model"]) == (KEY, "big-model")
    assert "answered in" in page
    assert Endpoint.objects.get().works


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ({"key": "another"}, "refused the key"),
        ({"status": 404}, "does not know this model"),
        ({"status": 500}, "broke off with an error"),
        ({"words": ()}, "answered in"),
    ],
)
def test_a_test_says_in_plain_words_what_is_wrong(
    owner: Client, url: Url, server: ModelServer, trouble: dict[str, Any], words: str
) -> None:
    connect(owner, url, server)
    for name, value in trouble.items():
        setattr(server, name, value)
    assert words in owner.post(url("model-server-test"), follow=True).content.decode()
    assert words in owner.get(url("model-server")).content.decode() or not trouble.get("status")


def test_a_server_that_is_not_there_is_said_to_be_silent(
    owner: Client, url: Url, settings: Any
) -> None:
    settings.ENDPOINT_NETWORKS = ["127.0.0.0/8"]
    with model_server() as gone:
        connect(owner, url, gone)
    page = owner.post(url("model-server-test"), follow=True).content.decode()
    assert "did not answer" in page
    assert Endpoint.objects.get().check_result == "endpoint_unreachable"


def test_a_name_that_nobody_knows_is_no_forbidden_place(owner: Client, url: Url) -> None:
    endpoint = Endpoint(base_url="https://nowhere.invalid/v1", model="m")
    endpoint.save()
    assert "did not answer" in owner.post(url("model-server-test"), follow=True).content.decode()


def test_it_is_switched_off_and_on_and_removed(
    owner: Client, url: Url, server: ModelServer
) -> None:
    connect(owner, url, server)
    owner.post(url("model-server-switch"))
    assert not Endpoint.objects.get().enabled
    owner.post(url("model-server-switch"), {"enabled": "on"})
    assert Endpoint.objects.get().enabled
    owner.post(url("model-server-delete"))
    assert not Endpoint.objects.exists()
    wanted = ["added", "disabled", "enabled", "deleted"]
    assert actions()[-4:] == [f"endpoint.{each}" for each in wanted]


def test_another_workspace_has_its_own(
    owner: Client, outsider: Client, url: Url, server: ModelServer, other: Tenant
) -> None:
    connect(owner, url, server)
    assert outsider.get(url("model-server")).status_code == 404
    page = outsider.get(f"/w/{other.slug}/settings/model-server/").content.decode()
    assert server.url not in page
    with tenant_scope(other):
        assert not Endpoint.objects.exists()


def test_the_estimate_says_that_nothing_is_charged(
    owner: Client, url: Url, server: ModelServer, brand: Any, note: str
) -> None:
    connect(owner, url, server)
    answer = owner.post(url("brief-estimate", note), {"topic": "Anvils", "variants": "2"})
    assert "no credits are charged" in answer.content.decode()
