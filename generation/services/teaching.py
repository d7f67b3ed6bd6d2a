"""Rows of copy as the model reads them when it learns: by the functions that ask it to write."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from generation import kinds
from generation.engine.types import Message
from generation.kinds.brief import BrandData, BriefData
from generation.models import Audience, Brand, Brief
from generation.writers.direct import read_copy
from generation.writers.prompts import render_brief, render_copy
from training.rendering import Checked

# What kind.check says of the brand's words, and of how much there may be of a part.
TERMS = {"banned_term", "spelling"}
LIMITS = {"too_long", "too_few", "too_many", "empty"}


def copy_messages(content: Mapping[str, Any]) -> list[Message]:
    """A finished piece as an order and its answer, in the brand's name.

    A text of no known kind, or without the parts of its kind, teaches its voice alone.
    """
    if not has_parts(content):
        brand = brand_of(content)
        order = Message("user", f"Write a {content['kind'] or 'text'} for {brand.name}.")
        return [order, Message("assistant", content["text"])]
    kind = kinds.load(content["kind"])
    return [*render_brief(kind, ordered(content)), render_copy(kind.parse(content["text"]))]


def copy_checked(content: Mapping[str, Any], answer: str) -> Checked:
    """A draft for a row's order: its text, and whether it keeps to terms and limits."""
    if not has_parts(content):
        return Checked(answer)
    kind, brief = kinds.load(content["kind"]), ordered(content)
    # As the model wrote it, before the brand's spelling is put in.
    plain = replace(brief, brand=replace(brief.brand, terms=()))
    data = read_copy(answer, kind, plain)
    if not data:
        return Checked(answer, terms=False, limits=False)
    found = {issue.code for issue in kind.check(data, brief)}
    return Checked(kind.render(data), terms=not found & TERMS, limits=not found & LIMITS)


def ordered(content: Mapping[str, Any]) -> BriefData:
    """The brief that a row's text was written for."""
    kind = kinds.load(content["kind"])
    known = {field.name for field in kind.fields}
    fields = {name: value for name, value in content["fields"].items() if name in known}
    return BriefData(kind=kind.name, brand=brand_of(content), fields=fields, **around(content))


def brand_of(content: Mapping[str, Any]) -> BrandData:
    return brand_data(content.get("context", {}).get("brand", ""))


def has_parts(content: Mapping[str, Any]) -> bool:
    """Whether the text is all there when it is read as its kind."""
    if content["kind"] not in kinds.KINDS:
        return False
    kind = kinds.load(content["kind"])
    found: bool = kind.render(kind.parse(content["text"])).split() == content["text"].split()
    return found


def brand_data(name: str = "") -> BrandData:
    """The brand of this name, or else the workspace's own, as every order tells of it."""
    named = Brand.objects.filter(name=name).first() if name else None
    brand = named or Brand.objects.order_by("-is_default", "created_at").first()
    return brand.data() if brand else BrandData(name="")


def around(content: Mapping[str, Any]) -> dict[str, Any]:
    """What an order told beside the brand and the fields: for whom, in what language, how long."""
    context = content.get("context", {})
    audience = Audience.objects.filter(name=context.get("audience", "")).first()
    return {
        "audience": audience.data() if audience else None,
        "language": context.get("language", "en"),
        "length": int(context.get("length", 0)),
    }


def context_of(brief: Brief) -> dict[str, Any]:
    """The same of a brief, as a row of copy keeps it."""
    given = {
        "brand": brief.brand.name,
        "audience": brief.audience.name if brief.audience else "",
        "language": brief.language,
        "length": brief.length,
    }
    return {name: value for name, value in given.items() if value}
