"""Acme's people in the portal: Alice owns, Bob edits, Victor only looks, Charlie is outside."""

from collections.abc import Callable, Iterator
from contextvars import copy_context
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from generation.models import Brief, Content, Variant
from generation.services import variant_pick
from tenants import scope
from tenants.actors import Actor, acting
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.generation.conftest import run_jobs

Url = Callable[..., str]


class Portal(Client):
    """A browser in a process of its own, as far as the scope of the test is concerned."""

    def request(self, **request: Any) -> Any:
        try:
            return copy_context().run(super().request, **request)
        finally:
            scope._notify()


def signed_in(user: User) -> Client:
    client = Portal()
    client.force_login(user)
    return client


@pytest.fixture
def owner(alice: User, acme: Tenant) -> Client:
    return signed_in(alice)


@pytest.fixture
def editor(bob: User) -> Client:
    return signed_in(bob)


@pytest.fixture
def viewer(victor: User) -> Client:
    return signed_in(victor)


@pytest.fixture
def outsider(charlie: User, other: Tenant) -> Client:
    return signed_in(charlie)


@pytest.fixture
def url(acme: Tenant) -> Url:
    """The address of one of Acme's pages."""
    return lambda name, *args: reverse(name, args=[acme.slug, *args])


@pytest.fixture
def in_acme(acme: Tenant) -> Iterator[None]:
    with tenant_scope(acme):
        yield


@pytest.fixture
def written(brief: Brief, in_acme: None) -> Brief:
    """The brief with its three variants written."""
    run_jobs()
    return brief


@pytest.fixture
def variant(written: Brief) -> Variant:
    return written.variants.get(number=1)


@pytest.fixture
def content(variant: Variant, alice: User) -> Content:
    """The first variant, picked by Alice."""
    with acting(Actor(user=alice)):
        return variant_pick(variant=variant)
