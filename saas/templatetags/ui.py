"""Icons, and filters that the components use."""

import zlib
from functools import lru_cache

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

HUES = 5

# The first name that occurs wins: every browser also claims to be some of the later ones.
BROWSERS = {
    "Edg/": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "Linux": "Linux",
}


@register.simple_tag
def icon(name: str, label: str = "", css: str = "") -> SafeString:
    """An icon of the sprite: `{% icon "house" %}`; give it a label only when it stands alone."""
    return drawn(name, str(label), css)


# A page has dozens of icons and the program knows few, so each is put together once.
@lru_cache(maxsize=1000)
def drawn(name: str, label: str, css: str) -> SafeString:
    alone = format_html('role="img" aria-label="{}"', label)
    meaning = alone if label else SafeString('aria-hidden="true"')
    sprite = static("img/icons.svg")
    drawing = format_html('<use href="{}#{}"></use>', sprite, name)
    return format_html('<svg class="icon {}" {}>{}</svg>', css, meaning, drawing)


@register.filter
def initials(name: object) -> str:
    """One or two letters that stand for a name or an email address."""
    words = str(name).partition("@")[0].replace(".", " ").replace("-", " ").split()
    return "".join(word[0] for word in words[:2]).upper() or "?"


@register.filter
def hue(name: object) -> int:
    """A number that stays with the name, for the avatar's colour."""
    return zlib.crc32(str(name).encode()) % HUES


def _named(agent: str, names: dict[str, str]) -> str:
    return next((name for mark, name in names.items() if mark in agent), "")


@register.filter
def browser(agent: str) -> str:
    """A user agent in words, such as "Firefox, Linux"; unknown ones as they are."""
    found = [name for names in (BROWSERS, SYSTEMS) if (name := _named(agent, names))]
    return ", ".join(found) or agent[:60]
