"""Social posts within each network's limits, with hashtags made from the brief."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from generation.kinds.checks import TOO_LONG, banned_terms, count_limits, duplicates
from generation.kinds.facts import ADDRESS
from generation.kinds.kind import BriefData, Choice, Data, Field, Issue, Part
from generation.kinds.product_fields import CALL, LINK, OFFER, POINTS, PRODUCT
from generation.kinds.short import Short, check_part
from generation.kinds.text import N_

LINE = 160
HASHTAG = re.compile(r"#[\w]+")
# What a network counts a link as, however long it is.
X_LINK = 23


@dataclass(frozen=True, slots=True)
class Network:
    """What a network allows in one post."""

    label: str
    chars: int
    hashtags: int
    wanted_hashtags: int
    sentences: int


NETWORKS = {
    "linkedin": Network("LinkedIn", 3000, 30, 3, 4),
    "x": Network("X", 280, 10, 2, 1),
    "facebook": Network("Facebook", 5000, 30, 2, 3),
    "instagram": Network("Instagram", 2200, 30, 5, 3),
    "threads": Network("Threads", 500, 1, 1, 2),
}
MOST_CHARS = max(network.chars for network in NETWORKS.values())

NETWORK = Field(
    "network",
    N_("Network"),
    "select",
    default="linkedin",
    choices=tuple(Choice(name, network.label) for name, network in NETWORKS.items()),
)
HASHTAGS = Field(
    "hashtags",
    N_("Hashtags"),
    "list",
    max_length=40,
    max_items=30,
    help=N_("Tags that have to be in the post, one on each line."),
)


class SocialPost(Short):
    name = "social_post"
    label = N_("Social post")
    description = N_("A post for LinkedIn, X, Facebook, Instagram or Threads.")
    icon = "message-square"
    fields = (NETWORK, PRODUCT, POINTS, OFFER, CALL, LINK, HASHTAGS)
    parts = (
        Part("text", N_("Post"), MOST_CHARS, long=True),
        Part("hashtags", N_("Hashtags"), 60, many=True, least=0, most=30, optional=True),
    )

    def schema(self, brief: BriefData | None = None) -> dict[str, Any]:
        network = network_of(brief) if brief else None
        text, tags = self.parts
        if network:
            text = replace(text, limit=network.chars)
            tags = replace(tags, most=network.hashtags)
        schema = super().schema(brief)
        schema["properties"] = {"text": text.schema(), "hashtags": tags.schema()}
        return schema

    def title(self, data: Data) -> str:
        return str(data.get("text", "")).split("\n", 1)[0]

    def render(self, data: Data) -> str:
        """The post as it is pasted: the text, then the hashtags."""
        tags = " ".join(data.get("hashtags") or [])
        return "\n\n".join(filter(None, (str(data.get("text", "")).strip(), tags)))

    def parse(self, text: str) -> Data:
        body, _, last = text.strip().rpartition("\n")
        if last.strip() and not HASHTAG.sub("", last).strip():
            return {"text": body.strip(), "hashtags": HASHTAG.findall(last)}
        return {"text": text.strip(), "hashtags": []}

    def csv_rows(self, data: Data) -> list[dict[str, str]]:
        tags = " ".join(data.get("hashtags") or [])
        return [{"Text": str(data.get("text", "")), "Hashtags": tags, "Post": self.render(data)}]

    def check(self, data: Data, brief: BriefData) -> list[Issue]:
        network = network_of(brief)
        tags = data.get("hashtags") or []
        size = counted(self.render(data), brief.text("network"))
        found = list(check_part(self.parts[0], data, brief))
        for place, tag in enumerate(tags):
            found.extend(banned_terms(tag, brief.brand, f"hashtags.{place}"))
        found.extend(duplicates(tags, "hashtags"))
        found.extend(count_limits(len(tags), 0, network.hashtags, "hashtags"))
        if size > network.chars:
            numbers = (("count", str(size)), ("limit", str(network.chars)))
            found.append(Issue("too_long", TOO_LONG, "text", params=numbers, severity="error"))
        return found


def network_of(brief: BriefData) -> Network:
    return NETWORKS.get(brief.text("network"), NETWORKS["linkedin"])


def counted(text: str, network: str) -> int:
    """The length of a post as its network counts it."""
    if network != "x":
        return len(text)
    return len(ADDRESS.sub("_" * X_LINK, text))
