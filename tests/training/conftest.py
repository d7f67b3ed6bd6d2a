"""Adapters of Acme's, brought by Alice."""

from collections.abc import Callable, Iterator

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tenants.actors import Actor, acting
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.training.adapters import config, weights
from training.models import ModelVersion
from training.services import Upload, version_import

Bring = Callable[..., ModelVersion]


def sent(data: bytes, name: str = "adapter_model.safetensors") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


def upload(name: str = "Autumn voice", *, seed: int = 0, told: bytes | None = None) -> Upload:
    settings = config() if told is None else told
    return Upload(
        name=name,
        weights=sent(weights(seed=seed)),
        config=sent(settings, "adapter_config.json"),
    )


@pytest.fixture
def in_acme(acme: Tenant, alice: User) -> Iterator[None]:
    """Alice works at Acme."""
    with tenant_scope(acme), acting(Actor(user=alice)):
        yield


@pytest.fixture
def bring(in_acme: None) -> Bring:
    """Import an adapter; another seed is another one."""

    def brought(name: str = "Autumn voice", *, seed: int = 0) -> ModelVersion:
        return version_import(upload=upload(name, seed=seed))

    return brought
