"""Who asks for something: a member in the portal, or a program with a key."""

from dataclasses import dataclass

from tenants.models import ApiKey, User


@dataclass(frozen=True, slots=True)
class Author:
    """The person, the key, or the person who made the key and the key."""

    user: User | None = None
    api_key: ApiKey | None = None
