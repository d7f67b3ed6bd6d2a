"""Every page of the studio opens, for those whom it concerns."""

import pytest
from django.test import Client

from generation.models import Audience, Batch, Brand, Brief, Content
from tests.generation.views.conftest import Url


@pytest.mark.parametrize("name", ["home", "write", "library", "brand-list", "audience-list"])
def test_a_new_workspace_is_told_what_to_do_first(owner: Client, url: Url, name: str) -> None:
    assert owner.get(url(name)).status_code == 200


@pytest.mark.parametrize("name", ["write", "batch-new", "brand-new", "audience-new"])
def test_who_only_looks_finds_no_forms(viewer: Client, url: Url, name: str) -> None:
    assert viewer.get(url(name)).status_code == 403


@pytest.mark.parametrize("name", ["home", "library", "brand-list", "audience-list"])
def test_who_only_looks_sees_the_rooms(viewer: Client, url: Url, name: str) -> None:
    assert viewer.get(url(name)).status_code == 200


@pytest.mark.parametrize("name", ["home", "write", "library", "brand-list", "batch-new"])
def test_outsiders_see_nothing(outsider: Client, url: Url, name: str) -> None:
    assert outsider.get(url(name)).status_code == 404


def test_a_brief_and_its_content_open_for_every_member(
    owner: Client, viewer: Client, url: Url, written: Brief, content: Content
) -> None:
    for client in (owner, viewer):
        for address in (url("brief", written.pk), url("content", content.pk), url("home")):
            assert client.get(address).status_code == 200


def test_another_workspaces_rows_are_not_there(
    outsider: Client, written: Brief, content: Content
) -> None:
    with_brand = Brand.objects.first()
    for path in (
        f"briefs/{written.pk}/",
        f"briefs/{written.pk}/stream",
        f"briefs/{written.pk}/variants/1/",
        f"library/{content.pk}/",
        f"library/{content.pk}/export/markdown",
        f"brands/{with_brand.pk}/",
    ):
        assert outsider.get(f"/w/other/{path}").status_code == 404, path


def test_forms_open_with_what_is_there(
    editor: Client, url: Url, brand: Brand, in_acme: None
) -> None:
    audience = Audience.objects.create(name="Coyotes")
    batch = Batch.objects.create(name="list.csv", kind="search_ad")
    for address in (
        url("brief-new", "search_ad"),
        url("brand-edit", brand.pk),
        url("audience-edit", audience.pk),
        url("batch-new"),
        url("batch", batch.pk),
    ):
        assert editor.get(address).status_code == 200, address


def test_an_unknown_kind_is_not_there(editor: Client, url: Url, brand: Brand) -> None:
    assert editor.get(url("brief-new", "sonnet")).status_code == 404
