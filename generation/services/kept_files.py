"""A list that somebody has uploaded and not ordered yet: kept for an hour, for its person alone."""

import base64
import json
from dataclasses import asdict, dataclass
from secrets import token_urlsafe

from django.core.cache import cache
from redis.exceptions import RedisError

from saas.errors import Unavailable
from tenants.actors import current_actor
from tenants.scope import current_tenant_id

LIFETIME_S = 3600


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file, and for whom its rows are to be written."""

    name: str
    content: bytes
    kind: str
    brand: str
    audience: str
    language: str
    variants: int


def keep(file: KeptFile) -> str:
    """The token by which it is found again."""
    token = token_urlsafe(16)
    text = base64.b64encode(file.content).decode()
    try:
        cache.set(_key(token), json.dumps(asdict(file) | {"content": text}), LIFETIME_S)
    except RedisError as error:
        raise Unavailable from error
    return token


def kept(token: str) -> KeptFile | None:
    try:
        found = cache.get(_key(token))
    except RedisError as error:
        raise Unavailable from error
    if found is None:
        return None
    values = json.loads(found)
    return KeptFile(**values | {"content": base64.b64decode(values["content"])})


def _key(token: str) -> str:
    user = current_actor().user
    return f"list:{current_tenant_id()}:{user.pk if user else ''}:{token}"
