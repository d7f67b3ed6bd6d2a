"""What lies in Valkey and on the disk names its tenant, so that no two can meet there."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from django.conf import settings
from django.test import Client

from generation.models import Brief
from tenants.jobs.registry import QUEUES
from tenants.jobs.streams import stream_key
from tenants.models import Tenant, User
from tests.generation.conftest import brand, brief, note, run_jobs
from tests.support.api import key_for
from tests.support.tally import tally

__all__ = ["brand", "brief", "note"]
pytestmark = pytest.mark.django_db
COUNT = tally("keys in Valkey")
# Keys that belong to no tenant, and why.
NOBODYS = {
    "kindling:1:allauth:rl:": "sign-in limits, by address and account",
    "rl:{person:": "limits of a person over all workspaces",
    "rl:{address:": "limits of an address, which is hashed",
    "_kombu.": "Celery's own queues and bindings",
    "unacked": "Celery's own",
    **dict.fromkeys(QUEUES, "a queue of messages that hold no ids of rows"),
}


@pytest.fixture
def valkey() -> Iterator[redis.Redis]:
    with redis.Redis.from_url(settings.REDIS_URL, decode_responses=True) as client:
        yield client


def test_every_key_names_its_tenant(
    acme: Tenant,
    other: Tenant,
    alice: User,
    brief: Brief,
    client_for: Callable[[User], Client],
    valkey: redis.Redis,
) -> None:
    exercise(acme, client_for(alice))
    run_jobs()
    keys = list(valkey.scan_iter(count=1000))
    tenants = (str(acme.pk), str(other.pk))
    for key in keys:
        COUNT.attempts += 1
        named = any(tenant in key for tenant in tenants)
        COUNT.controls += named
        COUNT.failures += not (named or key.startswith(tuple(NOBODYS)))
    assert COUNT.failures == 0, keys
    assert any(key.startswith("stream:") for key in keys), "the batch worker has written its stream"
    assert any(key.startswith("rl:") for key in keys), "the limits have counted"


def exercise(tenant: Tenant, browser: Client) -> None:
    """Use what counts, caches or streams."""
    Client().post("/account/login/", {"login": "nobody@x.test", "password": "wrong"})
    browser.get(f"/w/{tenant.slug}/")
    invited = {"email": "new@new.test", "role": "viewer"}
    browser.post(f"/w/{tenant.slug}/settings/team/invite/", invited)
    bearer: dict[str, Any] = {"authorization": f"Bearer {key_for(tenant)}"}
    Client().get("/api/v1/brands/", headers=bearer)
    Client().post("/v1/chat/completions", {}, content_type="application/json", headers=bearer)


def test_streams_of_two_tenants_never_share_a_key(acme: Tenant, other: Tenant) -> None:
    assert stream_key(acme.pk, "brief:1") != stream_key(other.pk, "brief:1")
    assert str(acme.pk) in stream_key(acme.pk, "brief:1")
