"""Who acts: a person, a program with a key, or the system. It stands beside the scope."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from saas.errors import InsufficientRole
from tenants.models import ApiKey, Membership, Role, User


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, from where, and in which request.

    A personal key acts for its maker, who is the `user`; a service account's key has none. With
    neither, it is the system itself.
    """

    user: User | None = None
    api_key: ApiKey | None = None
    address: str = ""
    request_id: str = ""

    def role(self) -> Role | None:
        """What they are in the workspace in scope, as the database has it now; None: nothing."""
        if self.api_key is not None:
            return self.api_key.acting_role()
        return Membership.objects.role_of(self.user)

    @property
    def authorship(self) -> dict[str, Any]:
        """The values of a row that tells who made it."""
        return {"created_by": self.user, "api_key": self.api_key}

    def may(self, needed: str) -> bool:
        role = self.role()
        return role is not None and role.covers(needed)


SYSTEM = Actor()
_actor: ContextVar[Callable[[], Actor]] = ContextVar("actor", default=lambda: SYSTEM)


def current_actor() -> Actor:
    """Who acts now; the system, where nobody else was said to."""
    return _actor.get()()


def require(*roles: str) -> None:
    """Raise InsufficientRole unless the one who acts covers all these roles."""
    actor = current_actor()
    for role in roles:
        if not actor.may(role):
            raise InsufficientRole(needed=str(role))


@contextmanager
def acting(actor: Actor | Callable[[], Actor]) -> Iterator[None]:
    """Let this one act until the block ends; a function is asked when somebody wants to know."""
    token = _actor.set(actor if callable(actor) else lambda: actor)
    try:
        yield
    finally:
        _actor.reset(token)


def reset() -> None:
    """Forget who acted, however that was left behind."""
    _actor.set(lambda: SYSTEM)
