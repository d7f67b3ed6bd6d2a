"""The shell's rooms: only what is built, greyed where the role may not go."""

import pytest

from saas.context import ROOMS, SETTINGS_ROOMS, Room, covers, nav_items

BUILT = Room("admin:index", "Nowhere", "house")


@pytest.fixture
def _all_rooms_built(monkeypatch: pytest.MonkeyPatch) -> None:
    def address(name: str, slug: str) -> str:
        return f"/w/{slug}/" if name == "home" else f"/w/{slug}/{name}/"

    monkeypatch.setattr("saas.context.workspace_url", address)


def test_a_room_that_is_not_built_is_not_shown() -> None:
    assert nav_items((BUILT,), slug="acme", role="owner", path="/") == []


@pytest.mark.usefixtures("_all_rooms_built")
def test_a_viewer_sees_write_but_may_not_enter() -> None:
    items = {item.name: item for item in nav_items(ROOMS, slug="a", role="viewer", path="/w/a/")}
    assert not items["write"].allowed
    assert items["library"].allowed


@pytest.mark.usefixtures("_all_rooms_built")
def test_the_room_one_is_in_is_active_and_home_only_at_its_own_address() -> None:
    items = nav_items(ROOMS, slug="a", role="owner", path="/w/a/library/42/")
    assert [item.name for item in items if item.active] == ["library"]


@pytest.mark.usefixtures("_all_rooms_built")
def test_a_brief_belongs_to_the_room_of_writing() -> None:
    items = nav_items(ROOMS, slug="a", role="owner", path="/w/a/briefs/42/")
    assert [item.name for item in items if item.active] == ["write"]


@pytest.mark.usefixtures("_all_rooms_built")
def test_settings_rooms_follow_the_role() -> None:
    items = nav_items(SETTINGS_ROOMS, slug="a", role="editor", path="/w/a/")
    assert {item.name for item in items if not item.allowed} == {
        "settings-general",
        "api-keys",
        "audit",
    }


@pytest.mark.parametrize(
    ("role", "needed", "expected"),
    [("owner", "admin", True), ("viewer", "editor", False), ("", "viewer", False)],
)
def test_a_role_covers_those_below_it(role: str, needed: str, expected: bool) -> None:
    assert covers(role, needed) is expected
