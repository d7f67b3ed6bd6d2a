"""Numbers with their units and limits: what a text states, against what its brief says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from generation.kinds import lexicon, units
from generation.kinds.places import WORD, Places, Span, stem
from generation.kinds.units import Unit

SMALL = {word: value for word, value in lexicon.NUMBER_WORDS.items() if value < 100}
SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "dozen": 12}
NUMBER = re.compile(
    r"(?P<sign>US\$|[$£€¥￥]|\b(?:CHF|EUR|GBP|USD|RMB))?[ \u00a0]?"
    r"(?P<digits>(?<![\d.,:])\d+(?:[.,:]\d+)*)(?P<scale>(?:k|bn|m)\b(?![²2])|[万亿千百])?",
)
# Hyphens join `twenty-five` and part `30-day`; an article is of `a dozen`, not of `a two-year`.
SPELT = re.compile(
    rf"\b(?:{'|'.join(SMALL)}|(?:an? )?(?:{'|'.join(SCALES)}))"
    rf"(?:(?:[ -]| and )(?:{'|'.join([*SMALL, *SCALES])}))*\b",
    re.IGNORECASE,
)
# `one` is a number where a measured unit shows that it counts.
ONE = re.compile(
    r"\b(?:in|within|only|just|takes|under|after|for|every) (?:one|a single)(?= (?:second|minute|"
    r"hour|day|week|month|year|percent|kilo|litre|mile)s?\b)",
    re.IGNORECASE,
)
CJK_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"两": 2}
CJK_NUMBER = re.compile(
    r"百分之[零一二三四五六七八九十百两点]+|(?<!第)[二三四五六七八九两十百千万亿]{2,}(?!分之)"
    r"|(?<![第十百千万一二三四五六七八九])[二三四五六七八九十百千两]"
    r"(?=个?(?:[年月天日周倍折元块分小家款次位种杯盒包瓶件人页张套斤克米]|秒|星期|英镑|欧元|美元))"
    r"|(?<![第十百千万一二三四五六七八九])一(?=(?:个?(?:小时|月|星期)|分钟|年|折))",
)
UNIT_WORD = re.compile(r"[ \u00a0\-]?([^\W\d_]+|°C|℃|%|％|[$£€¥￥]|m[²2]\b)", re.IGNORECASE)
COMPACT = re.compile(r"[.,](?=\d{3}(?!\d))")
# What a writer may count the text's own parts by.
COUNTED = frozenset(["reason", "thing", "step", "way", "word", "tip", "piec", "line", "point"])
MOST_FREE = 12

UPPER_BEFORE = re.compile(
    r"(?:\b(?:under|below|less than|fewer than|at most|up to|no more than|not more than|"
    r"never more than|no longer than|never longer than|max(?:imum)?(?: of)?\.?|limited to|"
    r"capped at|stays? under|never over|not over)|不到|少于|低于|最多|至多|不超过|不高于|不足|限)"
    r"[ \u00a0]*(?:the |only |just |a |about )?$",
    re.IGNORECASE,
)
UPPER_AFTER = re.compile(
    r"[ \u00a0]*(?:\w+[ \u00a0]){0,2}(?:or less|or fewer|or under|max(?:imum)?\b|at most"
    r"|tops\b|at the most)"
    r"|[^\W\d_]{0,3}(?:以下|封顶)",
    re.IGNORECASE,
)
LOOSE_BEFORE = re.compile(
    r"(?:\b(?:in|within|inside|by|before|until|as (?:low|little|few) as|no|never)|仅需?|只要|只需)"
    r"[ \u00a0]*(?:the |only |just |a )?$",
    re.IGNORECASE,
)
WITHIN_AFTER = re.compile(r"[^\W\d_]{0,3}?(?:以内|之内|内)")
LOWER_BEFORE = re.compile(
    r"(?:\b(?:over|above|more than|at least|minimum(?: of)?|min\.|from|starting at|starts? at|"
    r"no less than|not less than|upwards of)|超过|至少|不少于|不低于|高于)"
    r"[ \u00a0]*(?:just |only )?$",
    re.IGNORECASE,
)
LOWER_AFTER = re.compile(
    r"\+|[ \u00a0]*(?:\w+[ \u00a0])?(?:or more|and more|plus\b|and up|and over|minimum)"
    r"|[^\W\d_]{0,2}(?:以上|起)",
    re.IGNORECASE,
)
AROUND = 28
# Rounding that people do: a month of 30 days, a year of 12 of them.
NEAR = 0.02


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in a text: its value, its unit where it is measured, the noun where it counts."""

    span: Span
    value: float
    unit: Unit | None
    noun: str
    bound: str

    @property
    def base(self) -> float:
        return self.value * (self.unit.size if self.unit else 1)

    def equals(self, other: Quantity) -> bool:
        """Whether both say the same amount of the same thing, as far as they say of what."""
        if self.unit and other.unit:
            return _one(self, other) or _discounts(self, other)
        if not _near(self.value, other.value):
            return False
        if self.unit or other.unit:
            measured, bare = (self, other) if self.unit else (other, self)
            return not bare.noun or bare.noun[:4] == _name(measured)[:4]
        return True


def _one(one: Quantity, other: Quantity) -> bool:
    same = one.unit and other.unit and one.unit.family == other.unit.family
    return bool(same) and _near(one.base, other.base)


def _discounts(one: Quantity, other: Quantity) -> bool:
    """八折 is 20% off."""
    families = {each.unit.family: each.value for each in (one, other) if each.unit}
    if families.keys() != {"discount", "percent"}:
        return False
    fold = families["discount"]
    return _near(100 - (fold if fold >= 10 else 10 * fold), families["percent"])


def _name(measured: Quantity) -> str:
    return next((name for name, unit in units.UNITS.items() if unit == measured.unit), "")


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= NEAR * max(abs(one), abs(other)) if one != other else True


@lru_cache(maxsize=4096)
def read(text: str) -> tuple[Quantity, ...]:
    """All quantities of a text, in their order."""
    found = [*_digits(text), *_words(text), *_chinese(text)]
    return tuple(sorted(found, key=lambda each: each.span.start))


def _digits(text: str) -> Iterator[Quantity]:
    for found in NUMBER.finditer(text):
        digits = found["digits"]
        value = _value(digits)
        scale = (found["scale"] or "").casefold()
        value *= {"k": 1e3, "m": 1e6, "bn": 1e9, "万": 1e4, "亿": 1e8, "千": 1e3, "百": 100}.get(
            scale, 1
        )
        start = found.start("sign") if found["sign"] else found.start("digits")
        sign = units.UNITS.get((found["sign"] or "").casefold())
        yield _quantity(text, start, found.end(), value, sign)


def _value(digits: str) -> float:
    """1,200 and 1.200 are thousands, 2.5 and 2,5 are not; 9:30 is a number of its own."""
    if ":" in digits:
        hours, _, minutes = digits.partition(":")
        return float(f"{int(hours)}.{minutes.replace(':', '')}")
    plain = COMPACT.sub("", digits)
    return (
        float(plain.replace(",", "."))
        if plain.count(",") + plain.count(".") < 2
        else float(re.sub(r"\D", "", plain))
    )


def _words(text: str) -> Iterator[Quantity]:
    for found in SPELT.finditer(text):
        if found.group().casefold() in {"a hundred", "a thousand", "a million", "a billion"}:
            continue
        yield _quantity(text, found.start(), found.end(), _spelt(found.group()), None)
    for found in ONE.finditer(text):
        start = found.end() - len(found.group().split()[-1])
        yield _quantity(text, start, found.end(), 1, None)


def _spelt(words: str) -> float:
    total = value = 0
    for word in re.split(r"[ -]| and ", words.casefold()):
        if word in SMALL:
            value += SMALL[word]
        elif word in SCALES:
            value = (value or 1) * SCALES[word]
            if SCALES[word] >= 1000:
                total, value = total + value, 0
    return total + value


def _chinese(text: str) -> Iterator[Quantity]:
    for found in CJK_NUMBER.finditer(text):
        words = found.group()
        if words.startswith("百分之"):
            span = Span(*found.span(), words)
            unit = units.UNITS["%"]
            yield Quantity(span, _cjk_value(words[3:]), unit, "", _bound(text, *found.span()))
        else:
            yield _quantity(text, found.start(), found.end(), _cjk_value(words), None)


def _cjk_value(words: str) -> float:
    if all(char in CJK_DIGITS for char in words) and len(words) > 1:
        # 八五折, 二零二五年: digits that are read out.
        return float("".join(str(CJK_DIGITS[char]) for char in words))
    total = section = digit = 0
    for char in words:
        if char in CJK_DIGITS:
            digit = CJK_DIGITS[char]
        elif char in "十百千":
            section += (digit or 1) * {"十": 10, "百": 100, "千": 1000}[char]
            digit = 0
        elif char in "万亿":
            total = (total + section + digit or 1) * (10_000 if char == "万" else 10**8)
            section = digit = 0
    return float(total + section + digit)


def _quantity(text: str, start: int, end: int, value: float, sign: Unit | None) -> Quantity:
    unit, noun, stop = (sign, "", end) if sign else _unit(text, end)
    span = Span(start, stop if unit else end, text[start : stop if unit else end])
    return Quantity(span, value, unit, noun, _bound(text, start, stop))


def _unit(text: str, end: int) -> tuple[Unit | None, str, int]:
    """The unit behind a number, over one word between them, and where it ends; else its noun."""
    for name in units.CHINESE:
        if text.startswith(name, end) or text.startswith(name, end + 1) and text[end] in "个 ":
            return units.UNITS[name], "", text.index(name, end) + len(name)
    at, noun = end, ""
    for _ in range(2):
        found = UNIT_WORD.match(text, at)
        if found is None:
            break
        word = found.group(1).casefold()
        unit = units.UNITS.get(word)
        if unit and not (len(word) == 1 and word.isalpha() and found.group(1).isupper()):
            return unit, "", found.end()
        if word == "per" and text[found.end() :].lower().startswith(" cent"):
            return units.UNITS["%"], "", found.end() + 5
        if word in lexicon.FUNCTION:
            break
        noun = noun or word
        at = found.end()
    return None, noun, end


def _bound(text: str, start: int, end: int) -> str:
    before = text[max(0, start - AROUND) : start]
    if UPPER_BEFORE.search(before) or UPPER_AFTER.match(text, end):
        return "upper"
    if LOWER_BEFORE.search(before) or LOWER_AFTER.match(text, end):
        return "lower"
    return "loose" if LOOSE_BEFORE.search(before) or WITHIN_AFTER.match(text, end) else ""


@dataclass(frozen=True, slots=True)
class Fault:
    """A quantity that is not the brief's: `code` says in what way, `given` what the brief says."""

    code: str
    span: Span
    given: str = ""


def faults(text: str, known: str) -> Iterator[Fault]:
    """The numbers of a text that the brief does not have, or not with this unit or limit."""
    given = read(known)
    inside = Places.of_addresses(text)
    for each in read(text):
        if each.span.start in inside or _is_free(each, text, known):
            continue
        equal = [other for other in given if each.equals(other)]
        if not equal:
            yield _fault(each, given)
        elif fault := _turned(each, equal):
            yield fault


def _is_free(each: Quantity, text: str, known: str) -> bool:
    """A small count in words of what the brief does not speak of: a turn of phrase."""
    if each.unit or each.value > MOST_FREE or not each.span.text[:1].isalpha():
        return False
    behind = WORD.findall(text[each.span.end : each.span.end + AROUND])[:2]
    nouns = [stem(word.casefold()) for word in behind if word.casefold() not in lexicon.FUNCTION]
    if nouns and nouns[0] in COUNTED:
        return True
    return each.value in _enumerated(known) or not set(nouns) & _stems(known)


@lru_cache(maxsize=256)
def _stems(known: str) -> frozenset[str]:
    return frozenset(stem(word.casefold()) for word in WORD.findall(known))


@lru_cache(maxsize=256)
def _enumerated(known: str) -> frozenset[int]:
    """How many things the brief's lines list: three in `basil, mint and rosemary`."""
    return frozenset(len(re.split(r",? and |, ", line)) for line in known.splitlines())


def _fault(each: Quantity, given: tuple[Quantity, ...]) -> Fault:
    alike = [other for other in given if _near(other.value, each.value)]
    if alike:
        return Fault("changed_unit", each.span, alike[0].span.text)
    same = [other for other in given if _family(other) == _family(each) and each.unit]
    return Fault("invented_number", each.span, same[0].span.text if len(same) == 1 else "")


def _family(each: Quantity) -> str:
    return each.unit.family if each.unit else ""


def _turned(each: Quantity, equal: list[Quantity]) -> Fault | None:
    """A limit that the brief sets and the text leaves out or turns."""
    bounds = {other.bound for other in equal}
    words = equal[0].span.text
    if bounds == {"upper"} and each.bound in {"", "lower"}:
        return Fault("changed_limit", each.span, words)
    if bounds == {"lower"} and (
        each.bound == "upper" or (each.bound == "" and _family(each).startswith("currency"))
    ):
        return Fault("changed_limit", each.span, words)
    return None
