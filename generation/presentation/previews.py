"""How a text will look where it is published, and what the checks say to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from generation.kinds.kind import Kind
from generation.kinds.markup import to_html
from generation.kinds.social_post import SocialPost, counted, network_name, network_of
from generation.models import Content
from generation.presentation.issues import IssueView, in_order, issue_views
from generation.presentation.marks import with_edges
from generation.services.briefs import issue_to_json


@dataclass(frozen=True, slots=True)
class Length:
    """How long a post is as its network counts, of how much it takes."""

    count: int
    most: int


@dataclass(frozen=True, slots=True)
class Preview:
    """A text as its readers will see it; `template` draws it."""

    template: str
    data: Mapping[str, Any]
    html: SafeString
    body: SafeString
    brand: str
    host: str
    network: str
    issues: list[IssueView]
    severities: list[str]
    lengths: bool
    length: Length | None


OWN_LOOKS = {"search_ad", "social_post", "marketing_email", "landing_hero", "product_description"}


def preview(content: Content, data: Mapping[str, Any]) -> Preview:
    kind, brief = content.kind_spec, content.brief
    look = content.kind if content.kind in OWN_LOOKS else "article"
    given = brief.fields if brief else {}
    found = findings(content, data)
    marked = with_edges(data, found)
    address = str(given.get("url") or (brief.brand.url if brief else ""))
    return Preview(
        template=f"generation/previews/{look}.html",
        data=marked,
        html=mark_safe(kind.html(marked)),
        body=mark_safe(to_html(str(marked.get("body") or ""))),
        brand=brief.brand.name if brief else content.tenant.name,
        host=urlsplit(address).netloc.removeprefix("www.") or "example.com",
        network=chosen(kind, "network", given),
        issues=issue_views(found, kind, data),
        severities=[issue["severity"] for issue in found],
        lengths=any(part.limit for part in kind.parts),
        length=length(content, data),
    )


def length(content: Content, data: Mapping[str, Any]) -> Length | None:
    """Of a post alone: other kinds have a limit for each of their parts."""
    if content.kind != SocialPost.name or content.brief is None:
        return None
    brief = content.brief.data()
    text = content.kind_spec.render(dict(data))
    return Length(counted(text, network_name(brief)), network_of(brief).chars)


def chosen(kind: Kind, name: str, given: Mapping[str, Any]) -> str:
    """The label of what was chosen in a brief; nothing where the kind asks no such thing."""
    labels = {
        choice.value: gettext(choice.label)
        for field in kind.fields
        if field.name == name
        for choice in field.choices
    }
    return labels.get(str(given.get(name)), "")


def findings(content: Content, data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What the checks say, errors first; without its brief nobody knows what a text may say."""
    if content.brief is None:
        return []
    found = content.kind_spec.check(dict(data), content.brief.data())
    return in_order(map(issue_to_json, found))
