"""Teach, the models: an empty room that teaches, the way of a model, and who may do what."""

import re
from typing import Any

import pytest
from django.test import Client

from tenants.models import Tenant, User
from tests.generation.views.conftest import (
    Url,
    editor,
    outsider,
    owner,
    signed_in,
    url,
    viewer,
)
from tests.training.adapters import config, weights
from tests.training.conftest import Bring, sent
from training import services
from training.models import ModelSwitch, ModelVersion

__all__ = ["editor", "outsider", "owner", "url", "viewer"]
pytestmark = pytest.mark.django_db


def form(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Autumn voice",
        "note": "Forty newsletters",
        "weights": sent(weights()),
        "config": sent(config(), "adapter_config.json"),
    } | changes


def test_an_empty_room_teaches_and_offers_the_way_to_those_who_may(
    owner: Client, viewer: Client, url: Url
) -> None:
    page = owner.get(url("model-list")).content.decode()
    assert "A voice of your own" in page
    assert url("model-import") in page
    assert url("model-import") not in viewer.get(url("model-list")).content.decode()


def test_a_model_is_brought_made_live_and_taken_back(
    owner: Client, url: Url, in_acme: None
) -> None:
    answer = owner.post(url("model-import"), form())
    assert answer.url == url("model-list")
    version = ModelVersion.objects.get()
    assert services.live_version() is None
    owner.post(url("model-promote", version.pk))
    assert services.live_version() == version
    page = owner.get(url("model-list")).content.decode()
    assert re.search(r"badge-success[^>]*>\s*Live", page)
    assert "switched to" in page
    assert url("model-erase", version.pk) not in page
    owner.post(url("model-rollback"))
    assert services.live_version() is None
    owner.post(url("model-erase", version.pk))
    version.refresh_from_db()
    assert version.state == ModelVersion.State.ERASED
    assert ModelSwitch.objects.count() == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"weights": sent(b"nonsense, but long enough")}, "This is not a safetensors file"),
        ({"weights": sent(weights(), "adapter.pt")}, "Save the adapter as safetensors."),
        ({"config": sent(b"{}")}, "peft_type is null here. Only LORA is taken."),
        ({"config": sent(config(base_model_name_or_path="/home/me"))}, "plain name of the base"),
        ({"config": sent(config(base_sha256="0" * 64))}, "made for another base model"),
        ({"name": ""}, "This field is required."),
        ({"weights": ""}, "This field is required."),
    ],
)
def test_what_is_wrong_is_said_where_it_is(
    owner: Client, url: Url, in_acme: None, changes: dict[str, Any], said: str
) -> None:
    answer = owner.post(url("model-import"), form(**changes))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert said in page
    assert "Forty newsletters" in page
    assert not ModelVersion.objects.exists()


def test_a_file_that_is_too_large_is_said_to_be(owner: Client, url: Url, settings: Any) -> None:
    settings.MAX_ADAPTER_BYTES = 100
    page = owner.post(url("model-import"), form()).content.decode()
    assert "At most 100 bytes are taken." in page


def test_a_live_model_on_hold_is_a_matter_for_a_warning(
    owner: Client, url: Url, bring: Bring
) -> None:
    version = bring()
    services.version_promote(version=version)
    owner.post(url("model-quarantine", version.pk))
    page = owner.get(url("model-list")).content.decode()
    assert "Nothing can be written at the moment." in page
    owner.post(url("model-resume", version.pk))
    assert "Nothing can be written" not in owner.get(url("model-list")).content.decode()


def test_only_owners_and_admins_change_anything(
    ada: User, editor: Client, viewer: Client, outsider: Client, url: Url, bring: Bring
) -> None:
    version = bring()
    steps = [
        *(url(f"model-{name}", version.pk) for name in ("promote", "quarantine", "erase")),
        *(url("model-import"), url("model-rollback"), url("model-reset")),
    ]
    for client, status in ((editor, 403), (viewer, 403), (outsider, 404)):
        answers = [client.post(step, headers={"accept": "application/json"}) for step in steps]
        assert {answer.status_code for answer in answers} == {status}
        codes = {answer.json()["code"] for answer in answers}
        assert codes == {"insufficient_role" if status == 403 else "not_found"}
    assert services.live_version() is None
    version.card = {"evaluation": {"gain": 0.3, "p_value": 0.01}}
    version.save()
    assert signed_in(ada).post(steps[0]).status_code == 302
    assert services.live_version() == version


def test_another_workspaces_model_is_not_there(
    owner: Client, url: Url, acme: Tenant, other: Tenant
) -> None:
    from tenants.scope import tenant_scope
    from tests.routes.training import make_model

    with tenant_scope(other):
        foreign = make_model()
    assert owner.post(url("model-promote", foreign.pk)).status_code == 404
    assert "Autumn voice" not in owner.get(url("model-list")).content.decode()
