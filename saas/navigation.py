"""Where one can go: apps declare their pages of the sidebar, and their parts of the shell."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

Section = Literal["main", "settings", "account", "workspaces", "public"]
Slot = Literal["topbar", "dialogs", "key_made"]

# The sidebar's two lists; the menu about oneself; the menu that leads to other workspaces; what
# visitors find beside the front page.
MAIN: Section = "main"
SETTINGS: Section = "settings"
ACCOUNT: Section = "account"
WORKSPACES: Section = "workspaces"
PUBLIC: Section = "public"


@dataclass(frozen=True, slots=True)
class NavEntry:
    """A page by its URL name, which takes the workspace's slug in MAIN and SETTINGS.

    An entry is active on the pages whose paths begin with its own; `also` is the start of further
    ones, below the workspace's path. `role` is the least that may go there; "" is everybody.
    `key` goes there after a G.
    """

    name: str
    label: Any
    icon: str
    order: int
    section: Section = MAIN
    role: str = ""
    key: str = ""
    also: str = ""

    def url(self, slug: str = "") -> str:
        """Its address; "" where it needs a workspace and there is none, or is not built."""
        in_workspace = self.section in {MAIN, SETTINGS}
        if in_workspace and not slug:
            return ""
        try:
            return reverse(self.name, args=[slug] if in_workspace else [])
        except NoReverseMatch:
            return ""


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that a search has found: where it is, and a word on what it is."""

    label: str
    note: Any
    icon: str
    url: str


# Gives what fits the words, the best first; each search shows a few of its own kind.
Search = Callable[[HttpRequest, str], Iterable[Hit]]


def nobodys(request: HttpRequest) -> Sequence[Any]:
    return ()


@dataclass(slots=True)
class Navigation:
    """What all apps have declared, each in its AppConfig.ready().

    `workspaces_of` gives the workspaces of a request's user: objects with `name`, `slug`, `role`
    and `may(role)`.
    """

    workspaces_of: Callable[[HttpRequest], Sequence[Any]] = nobodys
    _entries: dict[str, NavEntry] = field(default_factory=dict)
    _fragments: dict[Slot, list[str]] = field(default_factory=dict)
    _values: dict[str, Callable[[HttpRequest], Any]] = field(default_factory=dict)
    _searches: list[Search] = field(default_factory=list)

    def add(self, entry: NavEntry) -> None:
        """Raises ImproperlyConfigured where the name or the place in its section is taken."""
        for other in self._entries.values():
            if other.name == entry.name:
                raise ImproperlyConfigured(f"{entry.name} is in the navigation already.")
            if (other.section, other.order) == (entry.section, entry.order):
                raise ImproperlyConfigured(f"{entry.name} has the place of {other.name}.")
        self._entries[entry.name] = entry

    def entries(self, section: Section) -> list[NavEntry]:
        found = (entry for entry in self._entries.values() if entry.section == section)
        return sorted(found, key=lambda entry: entry.order)

    def first(self, section: Section, slug: str = "") -> str:
        """The address of a section's first entry, or ""."""
        return next((entry.url(slug) for entry in self.entries(section)), "")

    def home(self, slug: str) -> str:
        """A workspace's front page: its path begins those of all its others."""
        return self.first(MAIN, slug)

    def add_fragment(self, slot: Slot, template: str) -> None:
        """Include a template on every page of the portal."""
        self._fragments.setdefault(slot, []).append(template)

    def fragments(self, slot: Slot) -> list[str]:
        return self._fragments.get(slot, [])

    def add_search(self, search: Search) -> None:
        """Let the search of the portal (Ctrl K) find things of yours."""
        self._searches.append(search)

    def search_url(self, slug: str) -> str:
        return f"{self.home(slug)}search/" if slug else ""

    def found(self, request: HttpRequest, words: str) -> list[Hit]:
        return [hit for search in self._searches for hit in search(request, words)]

    def provide(self, name: str, value: Callable[[HttpRequest], Any]) -> None:
        """Let templates read `shell.values.<name>`, which is computed when one does."""
        if name in self._values:
            raise ImproperlyConfigured(f"The shell has a value {name} already.")
        self._values[name] = value

    def value(self, name: str, request: HttpRequest) -> Any:
        return self._values[name](request)


navigation = Navigation()
