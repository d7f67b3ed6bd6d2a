"""`make prove-writing`: what survives, what is found, what is wrongly flagged; a table of it."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from bench.writing.briefs import Case, cases
from bench.writing.faults import leaves, planted
from generation import writers
from generation.engine.types import EngineError
from generation.kinds.text import sentences
from generation.writers.writer import Ask, Completion, Draft

FLAGS = frozenset({"length", "open_question", "none_passed"})


def answers(case: Case, ask: Ask) -> str:
    """The hand-written text as a strong model would answer each request."""
    data = case.data
    if ask.section == "outline":
        headings = [section["heading"] for section in data["sections"]]
        plan = {"title": data["title"], "intro": data["intro"], "headings": headings}
        return json.dumps({**plan, "points": [[] for _ in headings]}, ensure_ascii=False)
    if ask.section.startswith("sections."):
        return str(data["sections"][int(ask.section.split(".")[1])]["text"])
    return json.dumps(data, ensure_ascii=False)


def write(case: Case, name: str, *, variant: int = 1, silent: bool = False) -> tuple[Draft, int]:
    """What a writer makes of a case, and by how many requests."""
    brief = replace(case.brief, variant=variant)
    writing = writers.load(name, case.kind).write(case.kind, brief)
    requests, answer = 0, None
    while True:
        try:
            ask = writing.send(answer)  # type: ignore[arg-type]
        except StopIteration as end:
            return end.value, requests
        requests += 1
        answer = Completion("" if silent else answers(case, ask))


def strong(found: list[Case]) -> Iterator[tuple[str, str]]:
    kept = lines = flagged = 0
    requests: Counter[bool] = Counter()
    for case in found:
        draft, count = write(case, "direct")
        requests[case.kind.in_sections] = max(requests[case.kind.in_sections], count)
        after = {text for _, text in leaves(draft.data)}
        own = [text for _, text in leaves(case.data)]
        kept, lines = kept + sum(text in after for text in own), lines + len(own)
        flagged += len({issue.part for issue in draft.issues if issue.code not in FLAGS})
    yield "good lines that survive unchanged", share(kept, lines)
    yield "requests, short piece / article", f"{requests[False]} / {requests[True]}"
    yield "good lines wrongly flagged", share(flagged, lines)


def found_faults(found: list[Case]) -> Iterator[tuple[str, str]]:
    seen: Counter[str] = Counter()
    all_of: Counter[str] = Counter()
    for each in (fault for case in found for fault in planted(case)):
        codes = {issue.code for issue in each.case.kind.check(each.data, each.case.brief)}
        all_of[each.fault] += 1
        seen[each.fault] += bool(codes & each.codes)
        if not codes & each.codes and "-v" in sys.argv:
            texts = [text for _, text in leaves(each.data)]
            before = {text for _, text in leaves(each.case.data)}
            print(each.fault, [text for text in texts if text not in before], file=sys.stderr)
    for fault in all_of:
        yield f"found: {fault}", share(seen[fault], all_of[fault])


def default_model(found: list[Case]) -> Iterator[tuple[str, str]]:
    """Templates alone, as when nothing that the model writes passes."""
    shared = lines = failed = 0
    for case in found:
        try:
            one, two = (write(case, "guided", variant=n, silent=True)[0] for n in (1, 2))
        except EngineError:
            failed += 1
            continue
        texts = [
            {line for _, text in leaves(d.data) for line in sentences(text)} for d in (one, two)
        ]
        shared, lines = shared + len(texts[0] & texts[1]), lines + len(texts[0])
    yield "templates: lines that two variants share", share(shared, lines)
    yield "briefs that fail", str(failed)


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} % ({part} of {whole})" if whole else "–"


def main() -> None:
    found = cases()
    print(f"| {len(found)} briefs | |\n| --- | --- |")
    for rows in (strong(found), found_faults(found), default_model(found)):
        for name, value in rows:
            print(f"| {name} | {value} |")


if __name__ == "__main__":
    main()
