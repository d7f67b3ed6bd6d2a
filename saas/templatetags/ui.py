"""Filters that the components use."""

import zlib

from django import template

register = template.Library()

HUES = 5


@register.filter
def initials(name: object) -> str:
    """One or two letters that stand for a name or an e-mail address."""
    words = str(name).partition("@")[0].replace(".", " ").replace("-", " ").split()
    return "".join(word[0] for word in words[:2]).upper() or "?"


@register.filter
def hue(name: object) -> int:
    """A number that stays with the name, for the avatar's colour."""
    return zlib.crc32(str(name).encode()) % HUES
