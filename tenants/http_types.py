"""Requests as views get them: the middleware has found out who asks, and for which workspace."""

from typing import TYPE_CHECKING

from django.http import HttpRequest

from tenants.models import Membership, Tenant, User

if TYPE_CHECKING:
    from tenants.operators import Visit


class UserRequest(HttpRequest):
    """Somebody who is signed in asks."""

    user: User


class MemberRequest(UserRequest):
    """A member asks, under /w/<slug>/."""

    tenant: Tenant
    membership: Membership


class OperatorRequest(UserRequest):
    """An operator asks, under /admin/."""

    operator_visit: "Visit | None"
