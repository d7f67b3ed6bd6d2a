"""Well-formed Chinese phrases and sentences made from a pitch, for the model to choose from."""

from __future__ import annotations

from generation.writers.guided.product_brief import Pitch
from generation.writers.guided.templates_en import Groups, grouped


def headlines(pitch: Pitch, limit: int) -> Groups:
    brand, call = pitch.brand, pitch.call
    groups = [
        [pitch.full, pitch.product],
        *([point.text] for point in pitch.points),
        [pitch.offer],
        *([keyword] for keyword in pitch.keywords),
        [f"{brand}，{call}", f"{call}，就在{brand}"],
        [f"认识{brand}", f"了解{brand}"],
        [call],
        [f"选择{brand}", f"试试{brand}"],
        [f"为什么选{brand}", brand],
    ]
    return grouped(groups, limit)


def sentences(pitch: Pitch, limit: int) -> Groups:
    points = [point.text for point in pitch.points]
    full, brand, call = pitch.full, pitch.brand, pitch.call
    pairs = [points[at : at + 2] for at in range(0, len(points), 2)]
    facts = [
        [f"{full}：{'，'.join(pair)}。", f"选择{brand}，{'，'.join(pair)}。"] for pair in pairs
    ]
    offer = [f"{pitch.offer}，{call}。", f"{brand}：{pitch.offer}。"] if pitch.offer else []
    groups = [
        *facts,
        offer,
        [f"{call}，看看{brand}能为你做什么。", f"{call}，{brand}等你来。"],
        [f"认识{full}。", f"了解{full}。"],
        [f"想知道大家为什么选{brand}？来看看吧。"],
        ["欢迎来看看，是不是适合你。"],
    ]
    return grouped(groups, limit)


def openers(pitch: Pitch) -> Groups:
    full, brand = pitch.full, pitch.brand
    return ((f"认识一下{full}。", f"{full}来了。", f"在找{pitch.product or brand}？看看{brand}。"),)


def facts(pitch: Pitch, limit: int) -> Groups:
    points = [point.text for point in pitch.points]
    pairs = [points[at : at + 2] for at in range(0, len(points), 2)]
    told = ([f"{'，'.join(pair)}。", f"有了{pitch.brand}，{'，'.join(pair)}。"] for pair in pairs)
    return grouped(told, limit)


def lines(pitch: Pitch, limit: int) -> Groups:
    brand = pitch.brand
    offer = [pitch.offer, f"{brand}：{pitch.offer}"] if pitch.offer else []
    points = ([f"{brand}，{point.text}", point.text] for point in pitch.points)
    return grouped([offer, *points, [pitch.full], [f"认识{brand}", brand]], limit)


def offer_sentences(pitch: Pitch) -> list[str]:
    if not pitch.offer:
        return []
    return [f"{pitch.call}：{pitch.offer}。", f"现在就有{pitch.offer}。"]
