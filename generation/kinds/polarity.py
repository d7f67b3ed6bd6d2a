"""What a brief denies may not come out affirmed, nor what it affirms denied."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from generation.kinds import lexicon
from generation.kinds.clauses import Clause, chinese, clauses, pairs, root
from generation.kinds.denial_words import NOMINAL, PHRASES, SOFT, VERBAL
from generation.kinds.places import Span, stem

PREFIX = re.compile(r"^(?:un|non|in|im|dis)(?=\w{3})", re.IGNORECASE)
FREE_OF = re.compile(r"\bfree (?:of|from)\b", re.IGNORECASE)
MOST_SCOPE = 3
ANSWER_WORDS = 2
NAMED = 2

CJK_CUE = re.compile(
    r"不仅|不但|不只|不论|不管|不断|不错|不同|不少|不过|不如|不得不|不妨|不禁|不愧|不由|差不多|"
    r"无论|无比|无数|无线|无锡|非常|除非|未来|特别|分别|告别|区别|个别|级别|类别|性别|"
    r"零食|零售|零钱|零件|没错|了不起|对不起|来不及|忍不住|少不了|离不开|"
    r"(?P<cue>不|没有?|无|未|零|勿|莫|别|非(?=[\u4e00-\u9fff])|拒绝|禁止|避免|严禁|杜绝|告别|0)"
)
CJK_MODAL = re.compile(
    r"^(?:能|可以?|要|会|用|需要?|必|得|再|有|含有?|添加|加入?|使用|宜|应该?|许|准|被|是)+"
)
CJK_SCOPE = 8


@dataclass(frozen=True, slots=True)
class Denial:
    """What a clause denies: the roots of the denied words, in their order, and by which word."""

    words: tuple[str, ...]
    verbal: bool
    cue: Span


@dataclass(frozen=True, slots=True)
class Statement:
    """A clause of the brief: what it is about, and what of it is denied."""

    text: str
    roots: frozenset[str]
    denials: tuple[Denial, ...]

    @property
    def affirmed(self) -> frozenset[str]:
        return self.roots - {word for denial in self.denials for word in denial.words}


@dataclass(frozen=True, slots=True)
class Fault:
    """`code`: "negation_lost" or "negation_added"; `given` is what the brief says."""

    code: str
    span: Span
    given: str


def faults(text: str, statements: Iterable[str]) -> Iterator[Fault]:
    """Where a text says the opposite of what its brief says."""
    given = tuple(statements)
    yield from _english(text, _read_all(given))
    yield from _chinese(text, given)


@lru_cache(maxsize=512)
def _read_all(given: tuple[str, ...]) -> tuple[Statement, ...]:
    return tuple(statement for text in given for statement in read(text))


@lru_cache(maxsize=4096)
def read(text: str) -> tuple[Statement, ...]:
    """The statements of one line of a brief."""
    found = [(each, tuple(denials(each))) for each in clauses(text)]
    return tuple(Statement(text, each.roots, denied) for each, denied in found)


def denials(clause: Clause) -> Iterator[Denial]:
    words = clause.words
    for at, word in enumerate(words):
        plain = word.text.casefold().replace("’", "'")
        if plain in VERBAL or plain in NOMINAL:
            scope = _scope(words[at + 1 :], nominal=plain in NOMINAL)
            if scope:
                yield Denial(scope, plain in VERBAL, word)
        elif (
            plain == "free" and at and words[at - 1].end + 1 == word.start and _hyphen(clause, word)
        ):
            yield Denial((root(words[at - 1].text),), False, word)
    for found in FREE_OF.finditer(clause.text):
        behind = [word for word in words if word.start >= clause.start + found.end()]
        if scope := _scope(tuple(behind), nominal=True):
            start = clause.start + found.start()
            yield Denial(scope, False, Span(start, clause.start + found.end(), found.group()))


def _hyphen(clause: Clause, word: Span) -> bool:
    return clause.text[word.start - clause.start - 1] == "-"


def _scope(words: tuple[Span, ...], *, nominal: bool) -> tuple[str, ...]:
    """The telling words behind a denying one; a thing ends at the next little word."""
    found: list[str] = []
    for word in words:
        plain = word.text.casefold().replace("’", "'")
        if plain in lexicon.FUNCTION:
            if nominal and found and plain not in {"or", "nor", "and", "any"}:
                break
            continue
        found.append(root(word.text))
        if len(found) == MOST_SCOPE:
            break
    return tuple(found)


def _english(text: str, statements: tuple[Statement, ...]) -> Iterator[Fault]:
    found = clauses(text)
    if not found:
        return
    # What is merely named, as the product is, says nothing of how it is.
    telling = [each for each in statements if len(each.roots) > NAMED]
    affirmed = frozenset(word for statement in telling for word in statement.affirmed)
    carried = False
    for clause, following in zip(found, (*found[1:], None), strict=True):
        own = tuple(denials(clause))
        denies = bool(own) or _denies_softly(clause) or (carried and _continues(clause))
        carried = denies and (carried or any(not each.verbal for each in own))
        if denies or (following and _answers(following)):
            yield from _added(clause, own, statements)
        else:
            yield from _lost(clause, statements, affirmed)


def _denies_softly(clause: Clause) -> bool:
    plain = [word.text.casefold().replace("’", "'") for word in clause.words]
    return any(
        word in SOFT or stem(word) in SOFT or word in VERBAL or word in NOMINAL for word in plain
    )


def _answers(clause: Clause) -> bool:
    """Whether a clause only says no to the one before it: `Contract? None.`"""
    return len(clause.words) <= ANSWER_WORDS and _denies_softly(clause)


def _continues(clause: Clause) -> bool:
    """Whether a clause goes on with a list of what is denied: `no salt, palm oil or sugar`."""
    return len(clause.words) <= 4 and not any(
        word.text.casefold() in lexicon.AUXILIARIES for word in clause.words
    )


def _lost(
    clause: Clause, statements: tuple[Statement, ...], affirmed: frozenset[str]
) -> Iterator[Fault]:
    """What the brief denies and the clause speaks of as if it were so."""
    roots = clause.roots
    for statement in statements:
        for denial in statement.denials:
            told = [word for word in denial.words if word in roots]
            if not told or _is_unword(clause, denial) or _is_thing(clause, denial):
                continue
            own = frozenset(told)
            if _tells(denial, told, affirmed) and not _better(clause, own, statement, statements):
                word = next(each for each in clause.words if root(each.text) == told[0])
                yield Fault("negation_lost", word, statement.text)
                return


def _tells(denial: Denial, told: list[str], affirmed: frozenset[str]) -> bool:
    """Whether enough of what is denied was said to speak of the same thing."""
    own = [word for word in denial.words if word not in _stock()] or list(denial.words)
    if all(word in affirmed for word in told):
        return len(told) == len(denial.words) and len(told) > 1
    if denial.verbal and own[0] in told:
        return True
    return len([word for word in own if word in told]) >= 0.6 * len(own)


@lru_cache(maxsize=1)
def _stock() -> frozenset[str]:
    return frozenset(root(word) for word in lexicon.STOCK)


def _is_thing(clause: Clause, denial: Denial) -> bool:
    """Whether a denied verb stands there as a noun: `a microwave is too hot for that`."""
    pairs_of = zip(clause.words, clause.words[1:], strict=False)
    return denial.verbal and any(
        before.text.casefold() in lexicon.ARTICLES and root(word.text) == denial.words[0]
        for before, word in pairs_of
    )


def _is_unword(clause: Clause, denial: Denial) -> bool:
    """`unsweetened` denies by itself."""
    bare = (PREFIX.sub("", word.text) for word in clause.words if PREFIX.match(word.text))
    return any(root(word) in denial.words for word in bare)


def _better(
    clause: Clause,
    told: frozenset[str],
    statement: Statement,
    statements: tuple[Statement, ...],
) -> bool:
    """Whether another statement, which denies nothing, explains the same words as well."""
    roots = clause.roots
    own = len(roots & statement.roots)
    return any(
        not other.denials and told <= other.roots and len(roots & other.roots) > own
        for other in statements
    )


def _added(
    clause: Clause, own: tuple[Denial, ...], statements: tuple[Statement, ...]
) -> Iterator[Fault]:
    """What the brief says and the clause denies."""
    roots = clause.roots
    denied = frozenset(word for each in statements for one in each.denials for word in one.words)
    for denial in own:
        first = denial.words[0]
        if first in PHRASES or first in denied or _is_phrase(clause, denial):
            continue
        for statement in statements:
            about = statement.affirmed
            told = roots & about
            enough = len(told) >= 0.6 * len(about) or (
                len(told) > 1 and len(told) >= 0.66 * len(roots)
            )
            if first in about and enough and not statement.denials:
                yield Fault("negation_added", denial.cue, statement.text)
                return


def _is_phrase(clause: Clause, denial: Denial) -> bool:
    behind = [word for word in clause.words if word.start >= denial.cue.end][:1]
    return any(word.text.casefold() in PHRASES for word in behind)


def _chinese(text: str, statements: tuple[str, ...]) -> Iterator[Fault]:
    denied, affirmed = _chinese_facts(statements)
    if not (denied or affirmed):
        return
    for clause in clauses(text):
        cues = [found for found in CJK_CUE.finditer(clause.text) if found["cue"]]
        if not cues:
            yield from _chinese_lost(clause, denied)
        for cue in cues:
            yield from _chinese_added(clause, cue, denied, affirmed)


Facts = tuple[tuple[str, str], ...]


@lru_cache(maxsize=512)
def _chinese_facts(statements: tuple[str, ...]) -> tuple[Facts, Facts]:
    """What the brief denies, and what it says, each with the line that says so."""
    denied: list[tuple[str, str]] = []
    affirmed: list[tuple[str, str]] = []
    for line in statements:
        for clause in clauses(line):
            cues = [found for found in CJK_CUE.finditer(clause.text) if found["cue"]]
            denied += [(core, line) for found in cues if (core := _core(clause.text, found.end()))]
            if not cues and len(chinese(clause.text)) > 1:
                affirmed.append((chinese(clause.text), line))
    return tuple(denied), tuple(affirmed)


def _core(text: str, at: int) -> str:
    """What is denied, without the little words before it."""
    return chinese(CJK_MODAL.sub("", text[at : at + CJK_SCOPE]))[:4]


def _chinese_lost(clause: Clause, denied: Facts) -> Iterator[Fault]:
    own = chinese(clause.text)
    for core, line in denied:
        wanted = pairs(core)
        said = core in own if len(core) < 3 else len(wanted & pairs(own)) >= 0.6 * len(wanted)
        if said:
            yield Fault("negation_lost", _cjk_span(clause, core), line)
            return


def _cjk_span(clause: Clause, core: str) -> Span:
    at = max(0, clause.text.find(core[0]))
    return Span(clause.start + at, clause.end, clause.text[at:])


def _chinese_added(
    clause: Clause, cue: re.Match[str], denied: Facts, affirmed: Facts
) -> Iterator[Fault]:
    core = _core(clause.text, cue.end())
    if len(core) < 2 or any(pairs(core) & pairs(other) or core == other for other, _ in denied):
        return
    span = Span(clause.start + cue.start(), clause.start + cue.end(), cue.group())
    for said, line in affirmed:
        if core[:2] in said and len(pairs(core) & pairs(said)) >= 0.6 * len(pairs(core)):
            yield Fault("negation_added", span, line)
            return
