"""Well-formed Chinese phrases and sentences about a product; lengths count full width double."""

from __future__ import annotations

from generation.kinds.platforms import google
from generation.writers.guided.patterns import patterns, rotated
from generation.writers.guided.product_brief import ProductBrief
from generation.writers.guided.templates_en import Groups, grouped


def headlines(product: ProductBrief, limit: int) -> Groups:
    brand = product.brand
    said = rotated(patterns("zh", product.tone).headlines, product.variant, 3)
    points = [[point.text, f"{brand}：{point.text}"] for point in product.points]
    groups = [
        [product.full, product.name],
        *points[:2],
        [product.offer, f"{brand}：{product.offer}" if product.offer else ""],
        *points[2:],
        *([keyword] for keyword in product.keywords),
        *([filled(text, product)] for text in said[:4]),
        [product.call],
        [f"为什么选{brand}？", brand],
    ]
    return grouped(groups, limit, google)


def filled(text: str, product: ProductBrief) -> str:
    return text.format(brand=product.brand, call=product.call, product=product.full)


def sentences(product: ProductBrief, limit: int) -> Groups:
    points = [point.text for point in product.points]
    full, brand = product.full, product.brand
    pairs = [points[at : at + 2] for at in range(0, len(points), 2)]
    facts = [
        [
            f"{full}：{'，'.join(pair)}。",
            f"选择{brand}，{'，'.join(pair)}。",
            f"{'，'.join(pair)}，就在{brand}。",
        ]
        for pair in pairs
    ]
    offer = offer_sentences(product)
    closers = rotated(patterns("zh", product.tone).closers, product.variant)
    groups = [*facts[:1], offer, *facts[1:], *([filled(text, product)] for text in closers)]
    return grouped(groups, limit, google)


def openers(product: ProductBrief) -> Groups:
    said = rotated(patterns("zh", product.tone).openers, product.variant, 1)
    return (tuple(filled(text, product) for text in said),)


def facts(product: ProductBrief, limit: int) -> Groups:
    points = [point.text for point in product.points]
    pairs = [points[at : at + 2] for at in range(0, len(points), 2)]
    told = ([f"{'，'.join(pair)}。", f"有了{product.brand}，{'，'.join(pair)}。"] for pair in pairs)
    return grouped(told, limit, google)


def lines(product: ProductBrief, limit: int) -> Groups:
    brand = product.brand
    offer = [product.offer, f"{brand}：{product.offer}"] if product.offer else []
    points = ([f"{brand}，{point.text}", point.text] for point in product.points)
    return grouped([offer, *points, [product.full], [f"认识{brand}", brand]], limit, google)


def offer_sentences(product: ProductBrief) -> list[str]:
    if not product.offer:
        return []
    return [f"{product.call}：{product.offer}。", f"现在就有{product.offer}。"]
