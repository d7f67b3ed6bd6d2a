"""The API reference's sections: each has a tag, which views name, and may have words and code."""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured

USUAL = 50


@dataclass(frozen=True, slots=True)
class Section:
    """A tag of the API's description.

    `about` is a paragraph for the description's head, with **bold** and `code`; `sample` is
    Python that begins there, in which `{server}` stands for the server's address with a slash.
    """

    tag: str
    title: Any
    order: int = USUAL
    about: Any = ""
    sample: str = ""


_sections: dict[str, Section] = {}


def add_section(section: Section) -> None:
    """Declare a section, in the AppConfig.ready() of the app whose views have its tag."""
    if section.tag in _sections:
        raise ImproperlyConfigured(f"The API has a section {section.tag} already.")
    _sections[section.tag] = section


def sections() -> list[Section]:
    """The declared ones in their order."""
    return sorted(_sections.values(), key=lambda section: section.order)


def section_of(tag: str) -> Section:
    """A tag's section; one that nobody declared is called by its tag."""
    return _sections.get(tag) or Section(tag, tag.capitalize())
