"""Well-formed English phrases and sentences about a product, made of its brief."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from generation.kinds import lexicon
from generation.kinds.verbs import base_verb
from generation.writers.guided.patterns import patterns, rotated
from generation.writers.guided.product_brief import (
    PhraseForm,
    Point,
    ProductBrief,
    upper_first,
    without_article,
)

Groups = tuple[tuple[str, ...], ...]

BREAKS = re.compile(
    r",? (?:so|that|which|because|and|or|on|for|with|from|in|at|without|to|by|when|while|up) "
)


def headline_case(text: str) -> str:
    """Capitals as in an ad; words with capitals of their own keep them."""
    words = without_article(text).split()
    return " ".join(cased(word, at in (0, len(words) - 1)) for at, word in enumerate(words))


def cased(word: str, edge: bool) -> str:
    if any(char.isupper() for char in word[1:]):
        return word
    if not edge and word.casefold() in lexicon.HEADLINE_SMALL:
        return word.lower()
    return "-".join(part[:1].upper() + part[1:] for part in word.split("-"))


def shortened(text: str, limit: int) -> str:
    """The text without its last clauses, as few as it takes to fit; nothing where it cannot."""
    while len(text) > limit:
        breaks = [found.start() for found in BREAKS.finditer(text)]
        if not breaks or len(text[: breaks[-1]].split()) < 2:
            return ""
        text = text[: breaks[-1]]
    return text


def imperative(point: Point) -> str:
    """`sends invoices` as `send invoices`, where customers do it as much as the product does."""
    first, _, rest = point.text.partition(" ")
    verb = base_verb(first.casefold())
    shared = point.form is PhraseForm.DOES and verb in lexicon.SHARED_VERBS
    return f"{verb} {rest}" if shared and not rest.endswith(" you") else ""


def point_headlines(product: ProductBrief, point: Point, limit: int) -> Iterator[str]:
    plain = point.text
    framed = (f"{product.brand}: {plain}", f"{plain} at {product.brand}")
    for text in (imperative(point), staying(point), plain):
        short = shortened(text, limit) if text else ""
        if short:
            yield headline_case(short)
    for text in framed[: 2 if point.form is PhraseForm.THING else 1]:
        if len(text) <= limit:
            yield headline_case(text)


def staying(point: Point) -> str:
    """`keeps you dry all day` as `stay dry all day`."""
    found = re.match(r"keeps you (?!from)(\w.*)", point.text, re.IGNORECASE)
    return f"stay {found.group(1)}" if found else ""


def offer_headlines(product: ProductBrief, limit: int) -> Iterator[str]:
    short = shortened(product.offer, limit) if product.offer else ""
    if short:
        if short[0].isdigit() and len(short) + 4 <= limit:
            yield headline_case(f"get {short}")
        yield headline_case(short)


def product_headlines(product: ProductBrief, limit: int) -> Iterator[str]:
    for text in (product.full, shortened(product.full, limit), shortened(product.name, limit)):
        if text:
            yield headline_case(text)


def headlines(product: ProductBrief, limit: int) -> Groups:
    """Headlines from the brief; the alternatives for one idea stand in one group."""
    brand, call = product.brand, product.call.removesuffix(" today")
    points = [point_headlines(product, point, limit) for point in product.points]
    said = rotated(patterns("en", product.tone).headlines, product.variant, 3)
    named = [text.format(brand=brand, call=call) for text in said]
    groups = [
        product_headlines(product, limit),
        *points[:2],
        offer_headlines(product, limit),
        *points[2:],
        *([headline_case(keyword)] for keyword in product.keywords),
        *([headline_case(text)] for text in fitting(named, limit)[:3]),
        [headline_case(call), headline_case(f"{call} today")],
        [headline_case(f"why {brand}?"), headline_case(f"try {brand} today"), brand],
    ]
    return grouped(groups, limit)


def sentences(product: ProductBrief, limit: int) -> Groups:
    """Sentences that together state each fact once, then invitations."""
    found: list[Iterable[str]] = []
    points = list(product.points)
    while points:
        pair = fitting(pair_sentences(product, *points[:2]), limit) if points[1:] else []
        found.append(pair or point_sentences(product, points[0]))
        points = points[2 if pair else 1 :]
    return grouped([*found[:2], offer_sentences(product), *found[2:], *closers(product)], limit)


def facts(product: ProductBrief, limit: int) -> Groups:
    """Sentences for a text that has brought the product in already; nothing but facts."""
    found: list[Iterable[str]] = []
    points = list(product.points)
    while points:
        pair = fitting(told_pair(product, points[:2]), limit) if points[1:] else []
        found.append(pair or told(product, points[0]))
        points = points[2 if pair else 1 :]
    return grouped(found, limit)


def told_pair(product: ProductBrief, pair: Sequence[Point]) -> list[str]:
    """Two facts of one form in one sentence."""
    one, two = pair
    if one.form is not two.form or one.form is PhraseForm.CLAUSE:
        return []
    joint = f"{agreeing(one.text, product.full)} and {agreeing(two.text, product.full)}"
    if one.form is PhraseForm.THING and " and " in joint.replace(" and ", "", 1):
        return []
    return told(product, Point(joint, one.form))


def told(product: ProductBrief, point: Point) -> list[str]:
    text, brand, plural = point.text, product.brand, is_plural(product.full)
    match point.form:
        case PhraseForm.DOES:
            verb = agreeing(text, product.full)
            named = [f"{brand} {verb}."] if is_service(product) else []
            return [f"They {verb}."] if plural else [f"It {verb}.", *named]
        case PhraseForm.IS:
            named = [f"{brand} is {text}."] if is_service(product) else []
            return [f"They are {text}."] if plural else [f"It is {text}.", *named]
        case PhraseForm.DO:
            return [f"You can {text}.", f"{upper_first(text)}."]
        case PhraseForm.CLAUSE:
            return [f"{upper_first(text)}."]
    if not is_gettable(text):
        return []
    return [f"You get {text}.", f"With {brand} you get {text}.", f"Enjoy {text}."]


def lines(product: ProductBrief, limit: int) -> Groups:
    """Subjects and headlines in sentence case: the offer, what you get, then the product."""
    groups = [
        [upper_first(text) for text in offer_lines(product)],
        *([upper_first(text) for text in point_lines(product, point)] for point in product.points),
        [upper_first(introduced(product)), upper_first(product.full)],
        [f"Meet {introduced(product)}", f"Meet {product.brand}"],
    ]
    return grouped(groups, limit)


def offer_lines(product: ProductBrief) -> Iterator[str]:
    if product.offer and product.offer[0].isdigit():
        yield f"Get {product.offer}"
    if product.offer:
        yield f"{product.brand}: {product.offer}"
        yield product.offer


def point_lines(product: ProductBrief, point: Point) -> Iterator[str]:
    text, brand = point.text, product.brand
    for short in filter(None, (imperative(point), staying(point))):
        yield f"{short} with {brand}"
        yield short
    match point.form:
        case PhraseForm.DO:
            yield f"{text} with {brand}"
        case PhraseForm.DOES if is_service(product):
            yield f"{brand} {text}"
        case PhraseForm.THING:
            yield f"{brand}: {text}"
    yield text


def grouped(
    groups: Iterable[Iterable[str]], limit: int, count: Callable[[str], int] = len
) -> Groups:
    fitted = (tuple(fitting(group, limit, count)) for group in groups)
    return tuple(group for group in fitted if group)


def point_sentences(product: ProductBrief, point: Point) -> Iterator[str]:
    text, full = point.text, product.full
    subject = the(product)
    match point.form:
        case PhraseForm.DOES:
            yield f"{subject} {agreeing(text, full)}."
            if is_service(product):
                yield f"{product.brand} {text}."
        case PhraseForm.IS:
            yield f"{subject} {'are' if is_plural(full) else 'is'} {text}."
        case PhraseForm.DO:
            yield f"{upper_first(text)} with {product.brand}."
            yield f"With {product.brand} you can {text}."
        case PhraseForm.CLAUSE:
            yield f"{upper_first(text)}."
        case PhraseForm.THING if is_gettable(text):
            yield f"Get {text} with {product.brand}."
            yield f"With {product.brand} you get {text}."
    yield f"{upper_first(full)}: {text}."


def pair_sentences(product: ProductBrief, one: Point, two: Point) -> Iterator[str]:
    full, subject, a, b = upper_first(product.full), the(product), one.text, two.text
    match one.form, two.form:
        case PhraseForm.DOES, PhraseForm.DOES:
            yield f"{subject} {agreeing(a, full)} and {agreeing(b, full)}."
            if is_service(product):
                yield f"{product.brand} {a} and {b}."
        case (PhraseForm.IS | PhraseForm.DOES, PhraseForm.IS | PhraseForm.DOES):
            yield f"{subject} {verbal(one, full)} and {verbal(two, full)}."
        case PhraseForm.DO, PhraseForm.DO:
            yield f"{upper_first(a)} and {b} with {product.brand}."
        case PhraseForm.THING, PhraseForm.THING:
            if is_gettable(a) and " and " not in a + b:
                yield f"With {product.brand} you get {a} and {b}."
            yield f"{full}: {listed((a, b))}."
        case (PhraseForm.DO | PhraseForm.THING, PhraseForm.DO | PhraseForm.THING):
            yield f"{full}: {a}, {b}."


def verbal(point: Point, subject: str) -> str:
    if point.form is PhraseForm.DOES:
        return agreeing(point.text, subject)
    return f"{'are' if is_plural(subject) else 'is'} {point.text}"


def offer_sentences(product: ProductBrief) -> Iterator[str]:
    offer, call = product.offer, product.call
    if not offer:
        return
    if offer[0].isdigit():
        yield f"{call} and get {offer}."
        yield f"Get {offer} with {product.brand}."
    elif offer.casefold().startswith(("free for", "free until", "free with")):
        yield f"Try {product.brand} {offer}."
        yield f"{call} and try {product.brand} {offer}."
    else:
        yield f"{call}: {offer}."
        yield f"{product.brand}: {offer}."


def closers(product: ProductBrief) -> list[list[str]]:
    said = rotated(patterns("en", product.tone).closers, product.variant)
    return [[filled(text, product)] for text in said]


def openers(product: ProductBrief) -> Groups:
    """First sentences that bring the product in."""
    said = rotated(patterns("en", product.tone).openers, product.variant, 1)
    return (tuple(filled(text, product) for text in said),)


def filled(text: str, product: ProductBrief) -> str:
    """A pattern with its slots filled, a capital at its beginning."""
    words = {"brand": product.brand, "call": product.call, "named": introduced(product)}
    return upper_first(text.format(**words))


def introduced(product: ProductBrief) -> str:
    """`Ledgerly, the bookkeeping app`, `the jacket from Nordlys`, or what has the brand in it."""
    if product.full in (product.name, product.brand) or is_mass(product.name):
        return product.full
    if is_service(product):
        return f"{product.brand}, the {product.name}"
    article = "" if is_plural(product.name) else "the "
    return f"{article}{product.name} from {product.brand}"


def is_service(product: ProductBrief) -> bool:
    """Whether the brand is the product, so that it can do what the product does."""
    return head(product.name) in lexicon.SERVICES or not product.name


def the(product: ProductBrief) -> str:
    """The product as the subject of a sentence."""
    if (
        product.full in (product.name, product.brand)
        or is_plural(product.full)
        or is_mass(product.full)
    ):
        return upper_first(product.full)
    return f"The {product.full}"


def article(noun: str) -> str:
    """The noun phrase with `a` or `an`, where it is one thing."""
    if is_plural(noun) or re.match(r"(?:your|our|my|the)\b", noun) or is_mass(noun):
        return noun
    return f"{'an' if noun[:1].casefold() in 'aeiou' else 'a'} {noun}"


def is_mass(noun: str) -> bool:
    """Stuff and services, which take no article: `dog walking`, `coffee`, `software`."""
    last = head(noun)
    return last.endswith(("ing", "ware", "care", "tea", "coffee", "wear", "insurance", "food"))


def head(noun: str) -> str:
    """The noun that the phrase is about: `app` in `bookkeeping app for freelancers`."""
    before = re.split(r" (?:for|in|of|with|from|to|on|at|that|by|without) ", noun)[0]
    return before.split()[-1].casefold() if before.split() else ""


def is_plural(noun: str) -> bool:
    last = head(noun)
    return last.endswith("s") and not last.endswith(("ss", "us", "is", "news", "'s"))


def agreeing(text: str, subject: str) -> str:
    """The verb at the start of a fact in the number of its subject."""
    if not is_plural(subject):
        return text
    first, _, rest = text.partition(" ")
    return f"{base_verb(first.casefold()) or first} {rest}".strip()


def is_gettable(text: str) -> bool:
    first = text.split()[0].casefold() if text.split() else ""
    wanted = {"a", "an", "the", "your", "free", "fresh", "all", "every", "unlimited", "more"}
    counted = first in lexicon.NUMBER_WORDS
    return (
        counted
        or first in wanted
        and not text.casefold().startswith("free for")
        or first[:1].isdigit()
    )


def fitting(texts: Iterable[str], limit: int, count: Callable[[str], int] = len) -> list[str]:
    """The texts that fit, each once, in their order."""
    found: dict[str, str] = {}
    for text in texts:
        clean = " ".join(text.split())
        if len(clean) > 1 and count(clean) <= limit:
            found.setdefault(clean.casefold(), clean)
    return list(found.values())


def listed(items: Sequence[str]) -> str:
    """`one and two`, or `one, two` where an item has an `and` of its own."""
    return ", ".join(items) if any(" and " in item for item in items) else " and ".join(items)
