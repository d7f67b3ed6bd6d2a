"""Roles at the door of the portal's views."""

import asyncio
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from saas.errors import InsufficientRole, NotFound
from tenants.access import role_required
from tenants.models import Membership, Role


@role_required("editor")
def edit(request: HttpRequest) -> HttpResponse:
    return HttpResponse("edited")


@role_required("editor")
async def stream(request: HttpRequest) -> HttpResponse:
    return HttpResponse("streamed")


def call(view: Any, role: str | None) -> HttpResponse:
    request = RequestFactory().get("/")
    if role:
        request.membership = Membership(role=role, tenant_id=None)
    answer = view(request)
    return asyncio.run(answer) if asyncio.iscoroutine(answer) else answer


@pytest.mark.parametrize("view", [edit, stream])
@pytest.mark.parametrize("role", [Role.EDITOR, Role.ADMIN, Role.OWNER])
def test_it_lets_the_role_and_those_above_in(view: Any, role: str) -> None:
    assert call(view, role).status_code == 200


@pytest.mark.parametrize("view", [edit, stream])
def test_it_refuses_a_role_below(view: Any) -> None:
    with pytest.raises(InsufficientRole) as refused:
        call(view, Role.VIEWER)
    assert refused.value.status == 403
    assert refused.value.code == "insufficient_role"


@pytest.mark.parametrize("view", [edit, stream])
def test_it_hides_the_view_from_those_who_are_no_members(view: Any) -> None:
    with pytest.raises(NotFound):
        call(view, None)


def test_an_unknown_role_stops_the_start() -> None:
    with pytest.raises(ValueError, match="superman"):
        role_required("superman")
