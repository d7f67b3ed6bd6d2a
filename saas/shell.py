"""The shell around every page: navigation, workspaces, role, and what apps show beside them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from saas.navigation import (
    ACCOUNT,
    MAIN,
    PUBLIC,
    SETTINGS,
    WORKSPACES,
    NavEntry,
    Section,
    navigation,
)

LAST_WORKSPACE = "workspace"
# Why a room is closed, by the role that opens it.
CLOSED = {
    "editor": _("For editors and above"),
    "admin": _("For admins and owners"),
    "owner": _("For owners"),
    "": _("Not open to you"),
}


def remember_workspace(request: HttpRequest, slug: str) -> None:
    """Note the workspace visited last: the way back from pages that belong to none."""
    if request.session.get(LAST_WORKSPACE) != slug:
        request.session[LAST_WORKSPACE] = slug


@dataclass(frozen=True, slots=True)
class NavLink:
    """An entry as one request's sidebar shows it."""

    name: str
    label: Any
    icon: str
    url: str
    key: str
    active: bool
    allowed: bool
    closed: str = ""


@dataclass(frozen=True, slots=True)
class WorkspaceLink:
    """One of the user's workspaces, and whether it is the one that is shown."""

    name: str
    slug: str
    url: str
    current: bool


class Values(dict[str, Any]):
    """What apps provide, computed when a template asks, and once for a request."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__()
        self.request = request

    def __missing__(self, name: str) -> Any:
        self[name] = navigation.value(name, self.request)
        return self[name]


class Shell:
    """The shell of one request. Everything is looked up when a template asks, and once."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.membership = getattr(request, "membership", None)
        self.values = Values(request)

    @cached_property
    def _workspaces(self) -> list[Any]:
        user = self.request.user
        return list(navigation.workspaces_of(self.request)) if user.is_authenticated else []

    @cached_property
    def workspace(self) -> Any:
        """The workspace of this page; on a page about oneself, the one visited last."""
        if tenant := getattr(self.request, "tenant", None):
            return tenant
        known = {workspace.slug: workspace for workspace in self._workspaces}
        last = self.request.session.get(LAST_WORKSPACE)
        return known.get(last) or next(iter(known.values()), None)

    @cached_property
    def workspaces(self) -> list[WorkspaceLink]:
        return [
            WorkspaceLink(each.name, each.slug, navigation.home(each.slug), each.slug == self.slug)
            for each in self._workspaces
        ]

    @property
    def slug(self) -> str:
        return getattr(self.workspace, "slug", "")

    @property
    def role(self) -> str:
        return str(getattr(self.membership or self.workspace, "role", ""))

    def may(self, role: str) -> bool:
        """Whether the member's role here covers another; everybody's is ""."""
        member = self.membership or self.workspace
        return bool(not role or (member and member.may(role)))

    @cached_property
    def nav(self) -> list[NavLink]:
        return self._links(MAIN)

    @cached_property
    def settings_nav(self) -> list[NavLink]:
        return self._links(SETTINGS)

    @cached_property
    def account_nav(self) -> list[NavLink]:
        return self._links(ACCOUNT)

    @cached_property
    def workspaces_nav(self) -> list[NavLink]:
        return self._links(WORKSPACES)

    @cached_property
    def public_nav(self) -> list[NavLink]:
        return self._links(PUBLIC)

    @property
    def search_url(self) -> str:
        """Where the palette asks for what the workspace has; "" outside of one."""
        return navigation.search_url(self.slug) if self.membership else ""

    @property
    def key_made(self) -> list[str]:
        return navigation.fragments("key_made")

    @property
    def topbar(self) -> list[str]:
        return navigation.fragments("topbar")

    @property
    def dialogs(self) -> list[str]:
        return navigation.fragments("dialogs")

    def _links(self, section: Section) -> list[NavLink]:
        """The entries that are built."""
        found = [(entry, entry.url(self.slug)) for entry in navigation.entries(section)]
        return [self._link(entry, url) for entry, url in found if url]

    def _link(self, entry: NavEntry, url: str) -> NavLink:
        active, allowed = self._is_in(entry, url), self.may(entry.role)
        closed = "" if allowed else str(CLOSED.get(entry.role, CLOSED[""]))
        return NavLink(entry.name, entry.label, entry.icon, url, entry.key, active, allowed, closed)

    def _is_in(self, entry: NavEntry, url: str) -> bool:
        """Whether this page is one of the entry's; home's path begins every other."""
        path, home = self.request.path, navigation.home(self.slug)
        if url == home:
            return path == home
        return path.startswith(url) or bool(entry.also) and path.startswith(home + entry.also)


def shell(request: HttpRequest) -> dict[str, Any]:
    """The context processor."""
    return {"shell": Shell(request)}
