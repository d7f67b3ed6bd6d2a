"""The API of model versions: brought by form, switched, and never to be had by others."""

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from generation.engine.echo import BASE_SHA256
from tenants.models import AuditEvent, Tenant, User
from tenants.scope import tenant_scope
from tests.support.api import api, client_for, reader
from tests.training.adapters import bad_configs, bad_weights, config, weights
from tests.training.conftest import sent

__all__ = ["api", "reader"]
pytestmark = pytest.mark.django_db
AT = "/api/v1/models/"
Post = Callable[..., Any]


def form(*, seed: int = 0, **changes: Any) -> dict[str, Any]:
    return {
        "name": "Autumn voice",
        "weights": sent(weights(seed=seed)),
        "config": sent(config(), "adapter_config.json"),
    } | changes


def bring(client: APIClient, *, key: str = "", seed: int = 0, **changes: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(AT, form(seed=seed, **changes), format="multipart", headers=headers)


def test_an_adapter_is_brought_listed_promoted_and_deleted(api: APIClient, acme: Tenant) -> None:
    made = bring(api, note="From the agency")
    assert made.status_code == 201
    assert made["Location"] == f"{AT}{made.json()['id']}/".replace("//", "/")
    version = api.get(made["Location"]).json()
    assert version == made.json()
    assert (version["live"], version["state"], version["rank"]) == (False, "active", 4)
    assert version["base_sha256"] == BASE_SHA256
    assert [each["id"] for each in api.get(AT).json()["data"]] == [version["id"]]
    assert api.post(f"{made['Location']}promote/").json()["live"] is True
    assert api.delete(made["Location"]).json()["code"] == "model_live"
    assert api.post(f"{AT}rollback/").json()["version"] is None
    assert api.delete(made["Location"]).status_code == 204
    assert api.get(made["Location"]).json()["state"] == "erased"
    with tenant_scope(acme):
        event = AuditEvent.objects.get(name="model.imported")
        assert (event.api_key.name, event.address) == ("Test", "127.0.0.1")


def test_hold_resume_and_reset(api: APIClient) -> None:
    at = bring(api)["Location"]
    assert api.post(f"{at}quarantine/").json()["state"] == "quarantined"
    held = api.post(f"{at}promote/")
    assert (held.status_code, held.json()["code"]) == (409, "adapter_not_available")
    assert held.json()["state"] == "quarantined"
    assert api.post(f"{at}resume/").json()["state"] == "active"
    api.post(f"{at}promote/")
    assert api.post(f"{AT}reset/").json()["version"] is None


def test_a_retry_with_the_same_key_brings_nothing_twice(api: APIClient) -> None:
    first, second = (bring(api, key="once") for _ in range(2))
    assert first.json() == second.json()
    assert second["Idempotency-Replayed"] == "true"
    assert len(api.get(AT).json()["data"]) == 1
    other = bring(api, key="once", seed=1)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"weights": sent(weights(), "adapter_model.bin")}, 415, "unsafe_model_format"),
        ({"config": sent(config(base_sha256="0" * 64))}, 409, "adapter_base_mismatch"),
        ({"config": sent(config(auto_map={"a": "b"}))}, 422, "adapter_invalid"),
        ({"weights": "not a file"}, 422, "validation_failed"),
        ({"weights": sent(b"")}, 422, "validation_failed"),
        ({"name": "https://evil.test"}, 422, "validation_failed"),
        ({"name": "a\0b"}, 422, "validation_failed"),
        ({"tenant": "x"}, 422, "validation_failed"),
        ({"state": "active"}, 422, "validation_failed"),
        ({"file": sent(b"x")}, 422, "validation_failed"),
    ],
)
def test_what_is_wrong_has_its_code(
    api: APIClient, changes: dict[str, Any], status: int, code: str
) -> None:
    answer = bring(api, **changes)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_base_of_another_name_is_a_warning(api: APIClient) -> None:
    told = bring(api, config=sent(config(base_model_name_or_path="acme/other-135m"))).json()
    assert told["warnings"] == [
        "It was made for “acme/other-135m”, and this base is “echo”. Try it before it goes live."
    ]
    mine = bring(api, seed=1, config=sent(config(base_model_name_or_path="hub/Echo"))).json()
    assert mine["warnings"] == []


def test_the_reason_and_the_file_are_named(api: APIClient) -> None:
    name, reason, data = next(bad_weights())
    answer = bring(api, weights=sent(data or b"\0")).json()
    assert (answer["reason"], answer["errors"][0]["pointer"]) == (reason, "/weights"), name
    name, reason, data = next(bad_configs())
    answer = bring(api, config=sent(data)).json()
    assert (answer["reason"], answer["errors"][0]["pointer"]) == (reason, "/config"), name


def test_json_is_not_taken_for_files(api: APIClient) -> None:
    assert api.post(AT, {"name": "x"}, format="json").status_code == 415
    broken = api.post(AT, b"--x\r\nbroken", content_type="multipart/form-data; boundary=y")
    assert broken.status_code in {400, 422}


def test_others_find_nothing(
    api: APIClient, reader: APIClient, other: Tenant, charlie: User
) -> None:
    at = bring(api)["Location"]
    stranger = client_for(other, by=charlie)
    for client, status in ((stranger, 404), (reader, 403)):
        calls = [client.delete(at)]
        calls += [client.post(f"{at}{step}/") for step in ("promote", "quarantine", "resume")]
        assert {answer.status_code for answer in calls} == {status}
    assert stranger.get(at).status_code == 404
    assert stranger.get(AT).json()["data"] == []
    assert bring(reader).status_code == 403
    assert bring(stranger).json()["number"] == 1


def test_a_key_may_what_its_maker_may(
    api: APIClient, acme: Tenant, ada: User, bob: User, victor: User
) -> None:
    at = bring(api)["Location"]
    for client in (
        client_for(acme, by=bob),
        client_for(acme, by=victor),
        client_for(acme, role="editor"),
    ):
        calls = [client.delete(at), client.post(f"{AT}rollback/"), client.post(f"{AT}reset/")]
        calls += [client.post(f"{at}{step}/") for step in ("promote", "quarantine", "resume")]
        calls.append(bring(client, seed=1))
        found = {(answer.status_code, answer.json()["code"]) for answer in calls}
        assert found == {(403, "insufficient_role")}
        assert client.get(at).json()["live"] is False
    assert client_for(acme, by=ada).post(f"{at}promote/").json()["live"] is True


def test_no_address_gives_the_weights_out(api: APIClient) -> None:
    version = bring(api).json()
    answer = api.get(f"{AT}{version['id']}/weights/")
    assert answer.status_code == 404
    assert "tenants/" not in str(version)
    with pytest.raises(Exception, match="NoReverseMatch|Reverse"):
        reverse("media")
