"""News: what only the brief can know, and where a text says more than that."""

from __future__ import annotations

import re
from collections.abc import Iterator

from generation.kinds.kind import BriefData, Issue
from generation.kinds.text import N_, is_cjk, sentences
from generation.writers.guided.output_filter import OutputFilter

UNSUPPORTED = N_("The brief does not say this. Check it before you publish.")
# These speak of what has happened or will, or tell of the one thing that the news is about.
TIDINGS = re.compile(
    r"^the\b|\b(?:will|has|have|had|was|were|today|events?|launch\w*|excited|proud|team)\b",
    re.IGNORECASE,
)


def tells_more(sentence: str, output_filter: OutputFilter) -> bool:
    """Whether a sentence tells news in words that the brief does not have."""
    return TIDINGS.search(sentence) is not None and output_filter.is_ungrounded(sentence)


def unsupported(text: str, brief: BriefData, part: str) -> Iterator[Issue]:
    """The sentences of a news item that its brief does not bear out."""
    if is_cjk(brief.language):
        return
    output_filter = OutputFilter(brief)
    at = 0
    for sentence in sentences(text):
        start = text.find(sentence, at)
        at = start + len(sentence)
        if tells_more(sentence, output_filter):
            yield Issue("unsupported", UNSUPPORTED, part, start, at)
