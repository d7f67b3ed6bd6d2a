"""The words of the tables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tenants.models import Tenant, User

Given = Callable[[Tenant, User], dict[str, Any]]


def nothing(tenant: Tenant, owner: User) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class Call:
    """One method of a route.

    `who` is the least role in the portal, the scopes in the API (any will do), "user" for anybody
    who is signed in, or "public". `status` is what those who may are answered to `data`, which goes
    to the API as JSON, or as a form where `form` is set.
    """

    who: str
    status: int = 200
    data: Mapping[str, Any] = field(default_factory=dict)
    form: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """A route by its methods. `row` makes what its address names, in a given workspace."""

    calls: Mapping[str, Call]
    row: Given = nothing
    kwargs: Mapping[str, Any] = field(default_factory=dict)


def get(who: str, status: int = 200) -> dict[str, Call]:
    return {"GET": Call(who, status)}


def post(who: str, status: int = 302, **data: Any) -> dict[str, Call]:
    return {"POST": Call(who, status, data)}


def post_form(who: str, status: int, **data: Any) -> dict[str, Call]:
    return {"POST": Call(who, status, data, form=True)}


def patch(who: str, status: int = 200, **data: Any) -> dict[str, Call]:
    return {"PATCH": Call(who, status, data)}


def put(who: str, status: int = 200, **data: Any) -> dict[str, Call]:
    return {"PUT": Call(who, status, data)}


def delete(who: str, status: int = 204) -> dict[str, Call]:
    return {"DELETE": Call(who, status)}
