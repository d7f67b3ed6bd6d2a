"""Rows of copy as the model reads them when it learns: by the functions that ask it to write."""

from collections.abc import Mapping
from typing import Any

from generation import kinds
from generation.engine.types import Message
from generation.kinds.brief import BrandData, BriefData
from generation.models import Brand
from generation.writers.prompts import render_brief, render_copy


def copy_messages(content: Mapping[str, Any]) -> list[Message]:
    """A finished piece as an order and its answer, in the brand's name.

    A text of no known kind, or without the parts of its kind, teaches its voice alone.
    """
    brand = brand_data()
    if not has_parts(content):
        order = Message("user", f"Write a {content['kind'] or 'text'} for {brand.name}.")
        return [order, Message("assistant", content["text"])]
    kind = kinds.load(content["kind"])
    known = {field.name for field in kind.fields}
    fields = {name: value for name, value in content["fields"].items() if name in known}
    brief = BriefData(kind=kind.name, brand=brand, fields=fields)
    return [*render_brief(kind, brief), render_copy(kind.parse(content["text"]))]


def has_parts(content: Mapping[str, Any]) -> bool:
    """Whether the text is all there when it is read as its kind."""
    if content["kind"] not in kinds.KINDS:
        return False
    kind = kinds.load(content["kind"])
    found: bool = kind.render(kind.parse(content["text"])).split() == content["text"].split()
    return found


def brand_data() -> BrandData:
    """The workspace's own brand, as every order tells of it."""
    brand = Brand.objects.order_by("-is_default", "created_at").first()
    return brand.data() if brand else BrandData(name="")
