"""One request that mends the failing parts of a finished piece, with the complaint in it."""

from __future__ import annotations

import copy
import json
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any

from generation.engine.types import Message, Sampling
from generation.kinds.brief import BriefData, Issue
from generation.kinds.checks import prefer
from generation.kinds.kind import Data, Kind, Part, object_schema
from generation.kinds.text import fold, is_cjk, read_json
from generation.writers.prompt_budget import PromptBudget
from generation.writers.writer import Ask, Completion

MENDING = Sampling(temperature=0.5, top_p=0.9)
PROMPT_TOKENS = 1_500
MOST_FAULTS = 12
# What is put right without the model, or is only for a person to decide.
OWN = frozenset({"duplicate", "too_many", "length", "spelling"})
ORDER = (
    "This copy was written to the order above:\n\n{copy}\n\n"
    "These parts do not pass:\n{faults}\n\n"
    "Write only these parts again, with their faults put right and all else as good as it was. "
    "Answer with one JSON object of them: {names}."
)
MISSING = "the piece as a whole says this nowhere yet, so say it here: {lines}"
MOST_CHARS = 3_000


def mend(
    kind: Kind, brief: BriefData, budget: PromptBudget, data: Data, messages: Sequence[Message]
) -> Generator[Ask, Completion, Data]:
    """The copy with its failing parts written again, where that made them better."""
    data = tidied(kind, brief, data)
    faults = faults_by_part(kind, brief, data)
    tokens = sum(len(text_at(data, name)) + 160 for name in faults)
    tokens = min(budget.tokens, tokens * (2 if is_cjk(brief.language) else 1))
    if not faults or not budget.can(tokens):
        return data
    turns = [(each.role, each.content) for each in [*messages[:1], request(messages, data, faults)]]
    schema = object_schema({name: schema_of(name, kind, brief) for name in faults})
    completion = yield budget.ask(
        "", turns, tokens, schema=schema, sampling=MENDING, show="nothing"
    )
    answer = read_json(completion.text)
    texts = answer if isinstance(answer, dict) else {}
    for name in faults:
        if isinstance(text := texts.get(name), str) and text.strip():
            data = better(
                kind, brief, data, with_text(data, name, prefer(text.strip(), brief.brand))
            )
    return without_banned(kind, brief, data)


def request(messages: Sequence[Message], data: Data, faults: Mapping[str, list[str]]) -> Message:
    listed = "\n".join(
        f"- {name}: {complaint}" for name, found in faults.items() for complaint in found
    )
    shown = json.dumps(data, ensure_ascii=False)
    order = ORDER.format(copy=shown, faults=listed, names=", ".join(faults))
    return Message("user", f"{messages[-1].content}\n\n{order}")


def faults_by_part(kind: Kind, brief: BriefData, data: Data) -> dict[str, list[str]]:
    """The complaints about each part; what is missing is asked of the part that has room."""
    found: dict[str, list[str]] = defaultdict(list)
    missing = []
    for issue in kind.check(data, brief)[: 4 * MOST_FAULTS]:
        if issue.code == "missing":
            missing.append(issue.suggestion)
        elif issue.part and issue.code not in OWN and issue.part in places(data):
            found[issue.part].append(str(issue))
    if missing:
        found[roomy(kind, data)].append(MISSING.format(lines="; ".join(missing)))
    return {name: found[name] for name in list(found)[:MOST_FAULTS]}


def roomy(kind: Kind, data: Data) -> str:
    """The part that can take another fact: a long text, or a new line of a list."""
    if kind.in_sections:
        return f"sections.{len(data['sections']) - 1}.text" if data.get("sections") else "intro"
    long = [part.name for part in kind.parts if part.long]
    if long:
        return long[0]
    lists = [part for part in kind.parts if part.many and len(data[part.name]) < part.most]
    if lists:
        widest = max(lists, key=lambda part: part.limit)
        return f"{widest.name}.{len(data[widest.name])}"
    widest = max((part for part in kind.parts if part.limit < MOST_CHARS), key=lambda p: p.limit)
    return f"{widest.name}.{len(data[widest.name]) - 1}" if widest.many else widest.name


def part_of(name: str, kind: Kind) -> Part:
    head = name.partition(".")[0]
    return next(part for part in kind.parts if part.name == head)


def schema_of(name: str, kind: Kind, brief: BriefData) -> dict[str, Any]:
    part = part_of(name, kind)
    most = part.most_characters(wide=is_cjk(brief.language))
    limit = {"maxLength": most} if most else {}
    return {"type": "string", "minLength": 1, **limit}


def text_at(data: Data, name: str) -> str:
    """The text of a part such as "subject", "headlines.2" or "sections.0.text"."""
    value: Any = data
    for step in name.split("."):
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (KeyError, IndexError, ValueError, TypeError):
            return ""
    return value if isinstance(value, str) else ""


def places(data: Data) -> set[str]:
    """The names of all texts that the copy has, and of its empty parts."""
    found = set()
    for name, value in data.items():
        if isinstance(value, str):
            found.add(name)
        for at, line in enumerate(value if isinstance(value, list) else ()):
            keys = line if isinstance(line, dict) else ()
            found |= {f"{name}.{at}", *(f"{name}.{at}.{key}" for key in keys)}
    return found


def with_text(data: Data, name: str, text: str) -> Data:
    """The copy with another text at this place; a place behind a list's end adds a line."""
    changed = copy.deepcopy(data)
    *steps, last = name.split(".")
    value: Any = changed
    for step in steps:
        value = value[int(step)] if isinstance(value, list) else value[step]
    if isinstance(value, list):
        value[int(last) : int(last) + 1] = [text]
    else:
        value[last] = text
    return changed


def better(kind: Kind, brief: BriefData, before: Data, after: Data) -> Data:
    """Whichever of two states of the copy has fewer faults; the newer one where both have."""
    one, two = (badness(kind.check(data, brief)) for data in (before, after))
    return after if two < one else before


def badness(issues: Sequence[Issue]) -> tuple[int, int]:
    return sum(issue.severity == "error" for issue in issues), len(issues)


def tidied(kind: Kind, brief: BriefData, data: Data) -> Data:
    """The copy without lines that stand twice or are too many."""
    tidy = kind.tidy(data)
    for part in kind.parts:
        if part.many and not kind.in_sections:
            unique = {fold(line): line for line in reversed(data.get(part.name) or [])}
            tidy[part.name] = list(reversed(unique.values()))[: part.most]
    return tidy


def without_banned(kind: Kind, brief: BriefData, data: Data) -> Data:
    """The copy without those lines of lists that still have a banned term, where enough stay."""
    for part in kind.parts:
        if part.many and not kind.in_sections:
            bad = set(banned_places(kind.check(data, brief), part.name))
            kept = [line for at, line in enumerate(data[part.name]) if at not in bad]
            if bad and len(kept) >= part.least:
                data = {**data, part.name: kept}
    return data


def banned_places(issues: Iterable[Issue], name: str) -> Iterator[int]:
    for issue in issues:
        head, _, place = issue.part.partition(".")
        if issue.code == "banned_term" and head == name and place.isdigit():
            yield int(place)
