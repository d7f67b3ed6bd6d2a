"""Keys of the recommender's own: public ones for web pages, and tokens that sign requests."""

from collections.abc import Sequence

from django.db import transaction

from saas import keyring
from tenants.actors import current_actor, require
from tenants.events import record
from tenants.models import ApiKey, Role

KINDS = (ApiKey.Kind.PUBLIC, ApiKey.Kind.SIGNING)


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


@transaction.atomic
def signing_token_issue(*, name: str) -> tuple[ApiKey, str]:
    """A token for requests signed as Recombee's clients do, to be read this once."""
    require(Role.ADMIN)
    key, secret = ApiKey.issue(
        kind=ApiKey.Kind.SIGNING,
        name=name,
        scopes=[ApiKey.Scope.READ, ApiKey.Scope.WRITE],
        role=Role.EDITOR,
        created_by=current_actor().user,
    )
    record("api_key.issued", key, kind=key.kind, role=key.role)
    return key, secret


def public_text(key: ApiKey) -> str:
    """A public key as it stands in pages; raises keyring.Unreadable."""
    return keyring.unseal(key.sealed_secret, owner=key.workspace_id)


def database_id(key: ApiKey) -> str:
    """What Recombee's clients call the database: it leads to the token."""
    return f"{key.tenant.slug}-{key.prefix}"
