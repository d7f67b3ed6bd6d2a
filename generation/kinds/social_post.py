"""Social posts within each network's limits, with hashtags made from the brief."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import regex

from generation.kinds.checks import (
    banned_terms,
    count_limits,
    coverage,
    duplicates,
    length_limit,
)
from generation.kinds.kind import BriefData, Choice, Data, Field, Issue, Part
from generation.kinds.platforms import COUNTS
from generation.kinds.product_fields import CALL, LINK, OFFER, POINTS, PRODUCT
from generation.kinds.short import Short, check_part
from generation.kinds.text import N_, is_cjk

LINE = 160
# A tag has letters of any script with their marks (कविता), and no mark of speech.
HASHTAG = regex.compile(r"[#＃][\p{L}\p{M}\p{N}_\u200c\u200d]+")


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
    "bluesky": Network("Bluesky", 300, 10, 2, 1),
    "mastodon": Network("Mastodon", 500, 10, 3, 2),
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
    description = N_("A post for LinkedIn, X, Facebook, Instagram, Threads, Bluesky or Mastodon.")
    icon = "message-square"
    fields = (NETWORK, PRODUCT, POINTS, OFFER, CALL, LINK, HASHTAGS)
    parts = (
        Part("text", N_("Post"), MOST_CHARS, long=True),
        Part("hashtags", N_("Hashtags"), 60, many=True, least=0, most=30, optional=True),
    )

    def schema(self, brief: BriefData | None = None) -> dict[str, Any]:
        text, tags = self.parts
        if brief is not None:
            network = network_of(brief)
            part = replace(text, limit=network.chars, counted=network_name(brief))
            text = replace(text, limit=part.most_characters(wide=is_cjk(brief.language)))
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
        found = list(check_part(self.parts[0], data, brief))
        for place, tag in enumerate(tags):
            found.extend(banned_terms(tag, brief.brand, f"hashtags.{place}"))
        found.extend(duplicates(tags, "hashtags"))
        found.extend(count_limits(len(tags), 0, network.hashtags, "hashtags"))
        whole = self.render(data)
        found.extend(length_limit(whole, network.chars, "text", COUNTS[network_name(brief)]))
        found.extend(coverage([whole], brief))
        return found


def network_name(brief: BriefData) -> str:
    name = brief.text("network")
    return name if name in NETWORKS else "linkedin"


def network_of(brief: BriefData) -> Network:
    return NETWORKS[network_name(brief)]


def counted(text: str, network: str) -> int:
    """The length of a post as its network counts it."""
    return COUNTS[network if network in NETWORKS else "linkedin"](text)
