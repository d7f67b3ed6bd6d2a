"""How a text will look where it is published, and what the checks say to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from generation.kinds.kind import Kind
from generation.kinds.markup import to_html
from generation.models import Content
from generation.presentation.issues import IssueView, issue_view
from generation.services.briefs import issue_to_json


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


OWN_LOOKS = {"search_ad", "social_post", "marketing_email", "landing_hero", "product_description"}


def preview(content: Content, data: Mapping[str, Any]) -> Preview:
    kind, brief = content.kind_spec, content.brief
    look = content.kind if content.kind in OWN_LOOKS else "article"
    given = brief.fields if brief else {}
    address = str(given.get("url") or (brief.brand.url if brief else ""))
    return Preview(
        template=f"generation/previews/{look}.html",
        data=data,
        html=mark_safe(kind.html(dict(data))),
        body=mark_safe(to_html(str(data.get("body") or ""))),
        brand=brief.brand.name if brief else content.tenant.name,
        host=urlsplit(address).netloc.removeprefix("www.") or "example.com",
        network=chosen(kind, "network", given),
        issues=issues(content, data),
    )


def chosen(kind: Kind, name: str, given: Mapping[str, Any]) -> str:
    """The label of what was chosen in a brief; nothing where the kind asks no such thing."""
    labels = {
        choice.value: gettext(choice.label)
        for field in kind.fields
        if field.name == name
        for choice in field.choices
    }
    return labels.get(str(given.get(name)), "")


def issues(content: Content, data: Mapping[str, Any]) -> list[IssueView]:
    """The checks' findings; without its brief nobody knows what a text may say."""
    if content.brief is None:
        return []
    found = content.kind_spec.check(dict(data), content.brief.data())
    return [issue_view(issue_to_json(issue), content.kind_spec, data) for issue in found]
