"""Faults planted by program into good texts, one at a time; each says which findings are right."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bench.writing.briefs import Case
from generation.kinds.clauses import chinese, clauses, is_telling, root
from generation.kinds.coverage import missing
from generation.kinds.kind import Data
from generation.kinds.text import is_cjk, sentences

Change = Callable[[str], str]
NAMES = {"en": " Ask Dr Ottoline Fairweather in Uppsala.", "zh": "请问上海的欧阳教授。"}
UNITS = dict(
    line.split("|")
    for line in """hours|days
hour|day
days|weeks
weeks|months
£|$
%| euros
小时|天
克|公斤
天|个月
元|美元
km|miles
metres|kilometres
minutes|hours
months|years
kg|g""".splitlines()
)
LOST = re.compile(
    r"\b(?:do not|don't|does not|doesn't|never|not|no|without)\s+|不含|不能|不用|不加|没有|无"
)


@dataclass(frozen=True, slots=True)
class Planted:
    """A text with one fault; any of the `codes` names it."""

    fault: str
    case: Case
    data: Data
    codes: frozenset[str]


def planted(case: Case) -> Iterator[Planted]:
    yield from _everywhere(case, "changed number", _number, "invented_number changed_unit missing")
    yield from _everywhere(case, "changed unit", _unit, "changed_unit invented_number missing")
    yield from _everywhere(case, "lost negation", _lost(case), "negation_lost missing")
    yield from _everywhere(case, "turned", _turned(case), "negation_added")
    yield from _once(case, "new name", _named(case), "invented_name")
    yield from _once(case, "banned term", _banned(case), "banned_term")
    yield from _once(
        case, "over-long line", lambda text: f"{text} " + "and so on " * 600, "too_long"
    )
    yield from _dropped(case)


def _everywhere(case: Case, fault: str, change: Change, codes: str) -> Iterator[Planted]:
    """The fault in every place of the text that has one to give."""
    for path, text in leaves(case.data):
        for at, sentence in enumerate(sentences(text)):
            changed = change(sentence)
            if changed != sentence:
                yield _with(case, fault, path, _replaced(text, at, changed), codes)


def _once(case: Case, fault: str, change: Change, codes: str) -> Iterator[Planted]:
    path, text = max(leaves(case.data), key=lambda leaf: len(leaf[1]))
    part = next(each for each in case.kind.parts if each.name == path[0])
    if fault != "over-long line" or part.limit:
        yield _with(case, fault, path, change(text), codes)


def _with(case: Case, fault: str, path: tuple[Any, ...], text: str, codes: str) -> Planted:
    data = copy.deepcopy(case.data)
    value: Any = data
    for step in path[:-1]:
        value = value[step]
    value[path[-1]] = text
    return Planted(fault, case, data, frozenset(codes.split()))


def leaves(data: Data) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Each text of the copy with its path; what the brief settles and links are left alone."""
    for name, value in data.items():
        if name in {"url", "cta", "path1", "path2", "hashtags"}:
            continue
        if isinstance(value, str):
            yield (name,), value
            continue
        for at, line in enumerate(value):
            if isinstance(line, str):
                yield (name, at), line
            else:
                yield from (((name, at, key), text) for key, text in line.items())


def _replaced(text: str, at: int, changed: str) -> str:
    sentence = sentences(text)[at]
    return text.replace(sentence, changed, 1)


def _number(text: str) -> str:
    return re.sub(r"(?<![\w/.])\d+", lambda found: str(int(found.group()) + 37), text, count=1)


def _unit(text: str) -> str:
    for own, other in UNITS.items():
        pattern = rf"({re.escape(own)})(?=\d)" if own in "£" else rf"(?<=\d)(\s?){re.escape(own)}"
        if re.search(pattern, text):
            new = other if own in "£" else rf"\g<1>{other}"
            return re.sub(pattern, new, text, count=1)
    return text


def _lost(case: Case) -> Change:
    """The sentence without its no, where the brief denies the same; turns of phrase stay."""
    lines = [line for line in case.brief.statements() if LOST.search(line)]

    def change(text: str) -> str:
        bare = LOST.sub("", text, count=1)
        denied = {word for line in lines for word in core(line)}
        found = LOST.search(text)
        near = core(text[found.start() :])[:2] if found else []
        return bare if denied & set(near) else text

    return change


def core(text: str) -> list[str]:
    """What is denied first in a text: its roots, or the pairs of its characters."""
    found = LOST.search(text)
    behind = text[found.end() :] if found else ""
    own = chinese(behind)
    if own:
        return [own[at : at + 2] for at in range(2)]
    words = [word.text for each in clauses(behind)[:1] for word in each.words]
    return [root(word) for word in words if is_telling(word)][:2]


def _turned(case: Case) -> Change:
    """A point of the brief, where it stands word for word, denied."""
    points = [point for point in case.brief.items("points") if not LOST.search(point)]

    def change(text: str) -> str:
        for point in points:
            if text.strip(" .").casefold() == point.casefold():
                return f"不{point}" if is_cjk(case.brief.language) else f"Not {point}"
        return text

    return change


def _named(case: Case) -> Change:
    return lambda text: text + NAMES["zh" if is_cjk(case.brief.language) else "en"]


def _banned(case: Case) -> Change:
    return lambda text: f"{text} {case.brief.brand.banned[0]}"


def _dropped(case: Case) -> Iterator[Planted]:
    """The text without all sentences that say one of the brief's lines."""
    for line in case.brief.demanded():
        data = copy.deepcopy(case.data)
        for path, text in leaves(case.data):
            kept = [one for one in sentences(text) if list(missing([one], [line]))]
            value: Any = data
            for step in path[:-1]:
                value = value[step]
            value[path[-1]] = " ".join(kept)
        texts = [text for _, text in leaves(data)]
        if any(text.strip() for text in texts):
            yield Planted("missing fact", case, data, frozenset({"missing"}))
