"""The demo workspace has finished pieces to look at, which pass their own checks."""

import pytest

from generation.models import Content
from generation.services.demo import demo_create
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db


def test_each_brief_of_the_demo_has_an_approved_piece_without_a_finding() -> None:
    tenant = demo_create()
    with tenant_scope(tenant):
        found = list(Content.objects.select_related("brief__brand", "brief__audience"))
        assert len(found) == 4
        for content in found:
            assert content.brief is not None
            assert content.status == Content.Status.APPROVED
            assert content.approval() is not None
            assert content.kind_spec.check(content.data, content.brief.data()) == []
