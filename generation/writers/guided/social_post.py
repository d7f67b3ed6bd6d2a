"""Social posts: a few sentences by the model, hashtags from the brief."""

from __future__ import annotations

import re

from generation.kinds import lexicon
from generation.kinds.kind import BriefData, Data
from generation.kinds.social_post import LINE, counted, network_of
from generation.kinds.text import fold
from generation.writers.guided.product_brief import ProductBrief, upper_first, usable
from generation.writers.guided.short import Lines, ShortRecipe, Want, offering, opening, telling


class SocialPostRecipe(ShortRecipe):
    """Social posts: a few sentences by the model, hashtags from the brief."""

    def wants(self, brief: BriefData, product: ProductBrief) -> list[Want]:
        network = network_of(brief)
        limit = min(LINE, network.chars // 3)
        count = min(network.sentences, len(product.points))
        return [
            opening(product, limit),
            telling(product, limit, count, "text"),
            offering(product, limit),
        ]

    def assemble(self, lines: Lines, brief: BriefData, product: ProductBrief) -> Data:
        network = network_of(brief)
        tags = hashtags(brief, product)[: network.hashtags]
        room = network.chars - sum(len(tag) + 1 for tag in tags) - 1
        return {"text": fitted(lines, product, room, brief.text("network")), "hashtags": tags}


def hashtags(brief: BriefData, product: ProductBrief) -> list[str]:
    """The tags that were asked for, filled up with the brand and the words of the product."""
    asked = brief.items("hashtags")
    network = network_of(brief)
    more = (product.brand, *product.name.split(), *product.keywords)
    tags = [hashtag(text) for text in asked]
    tags += [hashtag(text) for text in more if is_telling(text)][: network.wanted_hashtags]
    usable_tags = (tag for tag in tags if len(tag) > 2 and usable(tag, brief.brand))
    unique = {fold(tag): tag for tag in reversed(list(usable_tags))}
    most = max(len(asked), network.wanted_hashtags)
    return list(reversed(unique.values()))[:most]


def is_telling(text: str) -> bool:
    return len(text) > 2 and text.casefold() not in lexicon.FUNCTION | lexicon.STOCK


def hashtag(text: str) -> str:
    """The words run together, each with a capital."""
    words = re.findall(r"[^\W_]+", text.replace("'", "").replace("’", ""))
    return "#" + "".join(word[:1].upper() + word[1:] for word in words)


def fitted(lines: Lines, product: ProductBrief, room: int, network: str) -> str:
    """Opening, facts, list, offer and action; what is needed least goes first where it is long."""
    told = fold(" ".join(lines["text"]))
    rest = [point.text for point in product.points if fold(point.text) not in told]
    points = "\n".join(f"• {upper_first(text)}" for text in rest)
    action = last_line(lines, product)
    blocks = [product.joined([*lines["opening"], *lines["text"]]), points, *lines["offer"], action]
    blocks[:1] = [blocks[0], *lines["opening"]]
    # One block too many each time: the whole opening or its first sentence, with or without list.
    for left_out in ((1,), (1, 2), (0, 2), (0, 1, 2)):
        kept = [block for place, block in enumerate(blocks) if place not in left_out]
        text = "\n\n".join(filter(None, kept))
        if counted(text, network) <= room:
            return text
    return product.call


def last_line(lines: Lines, product: ProductBrief) -> str:
    """What to do and where; an offer that asks for it already is not repeated."""
    asked = any(fold(product.call) in fold(line) for line in lines["offer"])
    colon = "：" if product.chinese else ": "
    return colon.join(filter(None, ("" if asked and product.url else product.call, product.url)))
