"""What has changed for users, as CHANGELOG.md tells it."""

from dataclasses import dataclass, field
from functools import cache

from django.conf import settings
from django.utils.safestring import SafeString

from saas.api.reference import inline

PATH = settings.BASE_DIR / "CHANGELOG.md"


@dataclass(slots=True)
class Release:
    """A version and its changes, the newest first."""

    name: str
    changes: list[SafeString] = field(default_factory=list)


@cache
def releases() -> list[Release]:
    """All of them; empty where the file was left out of an installation."""
    found: list[Release] = []
    lines = PATH.read_text().splitlines() if PATH.exists() else []
    for line in lines:
        if line.startswith("## "):
            found.append(Release(line.removeprefix("## ")))
        elif line.startswith("- ") and found:
            found[-1].changes.append(inline(line.removeprefix("- ")))
    return found
