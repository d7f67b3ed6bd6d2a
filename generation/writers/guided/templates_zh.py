"""Well-formed Chinese phrases and sentences about a product, for the model to choose from."""

from __future__ import annotations

from generation.writers.guided.product_brief import ProductBrief
from generation.writers.guided.templates_en import Groups, grouped


def headlines(product: ProductBrief, limit: int) -> Groups:
    brand, call = product.brand, product.call
    groups = [
        [product.full, product.name],
        *([point.text] for point in product.points),
        [product.offer],
        *([keyword] for keyword in product.keywords),
        [f"{brand}，{call}", f"{call}，就在{brand}"],
        [f"认识{brand}", f"了解{brand}"],
        [call],
        [f"选择{brand}", f"试试{brand}"],
        [f"为什么选{brand}", brand],
    ]
    return grouped(groups, limit)


def sentences(product: ProductBrief, limit: int) -> Groups:
    points = [point.text for point in product.points]
    full, brand, call = product.full, product.brand, product.call
    pairs = [points[at : at + 2] for at in range(0, len(points), 2)]
    facts = [
        [f"{full}：{'，'.join(pair)}。", f"选择{brand}，{'，'.join(pair)}。"] for pair in pairs
    ]
    offer = [f"{product.offer}，{call}。", f"{brand}：{product.offer}。"] if product.offer else []
    groups = [
        *facts,
        offer,
        [f"{call}，看看{brand}能为你做什么。", f"{call}，{brand}等你来。"],
        [f"认识{full}。", f"了解{full}。"],
        [f"想知道大家为什么选{brand}？来看看吧。"],
        ["欢迎来看看，是不是适合你。"],
    ]
    return grouped(groups, limit)


def openers(product: ProductBrief) -> Groups:
    full, brand = product.full, product.brand
    return ((f"认识一下{full}。", f"{full}来了。", f"在找{product.name or brand}？看看{brand}。"),)


def facts(product: ProductBrief, limit: int) -> Groups:
    points = [point.text for point in product.points]
    pairs = [points[at : at + 2] for at in range(0, len(points), 2)]
    told = ([f"{'，'.join(pair)}。", f"有了{product.brand}，{'，'.join(pair)}。"] for pair in pairs)
    return grouped(told, limit)


def lines(product: ProductBrief, limit: int) -> Groups:
    brand = product.brand
    offer = [product.offer, f"{brand}：{product.offer}"] if product.offer else []
    points = ([f"{brand}，{point.text}", point.text] for point in product.points)
    return grouped([offer, *points, [product.full], [f"认识{brand}", brand]], limit)


def offer_sentences(product: ProductBrief) -> list[str]:
    if not product.offer:
        return []
    return [f"{product.call}：{product.offer}。", f"现在就有{product.offer}。"]
