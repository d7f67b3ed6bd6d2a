"""What the shell around every page shows: rooms, workspaces, role and running jobs."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.apps import apps
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

RANKS = ("viewer", "editor", "admin", "owner")

# A dotted path, because this app imports nothing of the apps above it.
WORKSPACES_OF_USER = "tenants.lookups.workspaces_of"

LAST_WORKSPACE = "workspace"


def workspace_url(name: str, slug: str) -> str:
    """The address of a workspace's page, or nothing where it is not built."""
    try:
        return reverse(name, args=[slug]) if slug else ""
    except NoReverseMatch:
        return ""


@dataclass(frozen=True, slots=True)
class Room:
    """A place in the sidebar, known by its URL name; its pages' paths begin with its own.

    `also` is the start of further pages' paths, below the workspace's own.
    """

    name: str
    label: Any
    icon: str
    role: str = "viewer"
    key: str = ""
    also: str = ""


ROOMS = (
    Room("home", _("Home"), "house", key="h"),
    Room("write", _("Write"), "pen-line", role="editor", key="w", also="briefs/"),
    Room("library", _("Library"), "library", key="l"),
    Room("model-list", _("Teach"), "graduation-cap", key="m", also="teach/"),
    Room("usage", _("Usage"), "chart-column", key="u"),
)
SETTINGS_ROOMS = (
    Room("settings-general", _("General"), "settings", role="admin", key="s"),
    Room("brand-list", _("Brand"), "palette", key="b"),
    Room("audience-list", _("Audiences"), "target", key="a"),
    Room("team", _("Team"), "users", key="t"),
    Room("model-server", _("Model server"), "monitor", role="admin", key="m"),
    Room("api-keys", _("API keys"), "key-round", role="admin", key="k"),
    Room("audit", _("Audit log"), "history", role="admin"),
)


@dataclass(frozen=True, slots=True)
class NavItem:
    """A room as one request's sidebar shows it."""

    name: str
    label: Any
    icon: str
    url: str
    key: str
    active: bool
    allowed: bool


def covers(role: str, needed: str) -> bool:
    return role in RANKS and RANKS.index(role) >= RANKS.index(needed)


def nav_items(rooms: tuple[Room, ...], *, slug: str, role: str, path: str) -> list[NavItem]:
    """The rooms that are built."""
    home = workspace_url(ROOMS[0].name, slug)
    found = []
    for room in rooms:
        if url := workspace_url(room.name, slug):
            active = is_in(room, path=path, url=url, home=home)
            allowed = covers(role, room.role)
            item = NavItem(room.name, room.label, room.icon, url, room.key, active, allowed)
            found.append(item)
    return found


def is_in(room: Room, *, path: str, url: str, home: str) -> bool:
    """Whether the path is one of the room's; home's begins every other and must match whole."""
    if url == home:
        return path == home
    return path.startswith(url) or bool(room.also) and path.startswith(home + room.also)


class Shell:
    """The shell of one request. Everything is looked up when a template asks, and once."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.membership = getattr(request, "membership", None)

    @cached_property
    def workspaces(self) -> list[Any]:
        user = self.request.user
        return list(import_string(WORKSPACES_OF_USER)(user.pk)) if user.is_authenticated else []

    @cached_property
    def running_jobs(self) -> int:
        if self.membership is None:
            return 0
        return int(apps.get_model("jobs", "Job").objects.active().count())

    @cached_property
    def workspace(self) -> Any:
        """The workspace of this page; on a page about oneself, the one visited last."""
        if tenant := getattr(self.request, "tenant", None):
            self._remember(tenant.slug)
            return tenant
        known = {workspace.slug: workspace for workspace in self.workspaces}
        last = self.request.session.get(LAST_WORKSPACE)
        return known.get(last) or next(iter(known.values()), None)

    def _remember(self, slug: str) -> None:
        if self.request.session.get(LAST_WORKSPACE) != slug:
            self.request.session[LAST_WORKSPACE] = slug

    @property
    def slug(self) -> str:
        return getattr(self.workspace, "slug", "")

    @property
    def role(self) -> str:
        return str(getattr(self.membership or self.workspace, "role", ""))

    @property
    def jobs_url(self) -> str:
        return workspace_url("job-drawer", self.slug)

    @cached_property
    def nav(self) -> list[NavItem]:
        return self._items(ROOMS)

    @cached_property
    def settings_nav(self) -> list[NavItem]:
        return self._items(SETTINGS_ROOMS)

    def _items(self, rooms: tuple[Room, ...]) -> list[NavItem]:
        return nav_items(rooms, slug=self.slug, role=self.role, path=self.request.path)


def shell(request: HttpRequest) -> dict[str, Any]:
    """The context processor."""
    return {"shell": Shell(request)}
