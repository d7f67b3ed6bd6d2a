"""Public keys, which stand in web pages."""

from collections.abc import Sequence

from django.db import transaction

from saas import keyring
from tenants.actors import current_actor, require
from tenants.events import record
from tenants.models import ApiKey, Role


@transaction.atomic
def public_key_issue(*, name: str, origins: Sequence[str]) -> ApiKey:
    """A key that pages of these origins may send events with, and do nothing else."""
    require(Role.ADMIN)
    key, _secret = ApiKey.issue(
        kind=ApiKey.Kind.PUBLIC,
        name=name,
        origins=list(origins),
        scopes=[],
        role=Role.VIEWER,
        created_by=current_actor().user,
    )
    record("api_key.issued", key, kind=key.kind, origins=key.origins)
    return key


def public_text(key: ApiKey) -> str:
    """A public key as it stands in pages; raises keyring.Unreadable."""
    return keyring.unseal(key.sealed_secret, owner=key.workspace_id)
