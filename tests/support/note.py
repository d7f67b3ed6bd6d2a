"""A kind of copy for tests: one line of text, asked for once."""

from typing import Any

from generation.engine.types import Message
from generation.kinds.kind import BriefData, Data, Field, Issue, Kind, Part
from generation.writers.writer import Ask, Draft, Estimate, Writer, Writing


class Note(Kind):
    """The smallest kind that there can be."""

    name = "note"
    label = "Note"
    description = "A line."
    icon = "pencil"
    fields = (Field("topic", "Topic", required=True), Field("tags", "Tags", type="list"))
    parts = (Part("line", "Line", limit=200),)

    def title(self, data: Data) -> str:
        return str(data["line"])

    def render(self, data: Data) -> str:
        return f"{data['line']}\n"

    def parse(self, text: str) -> Data:
        return {"line": " ".join(text.split())}

    def html(self, data: Data) -> str:
        return f"<p>{data['line']}</p>"

    def csv_rows(self, data: Data) -> list[dict[str, str]]:
        return [dict(data)]

    def check(self, data: Data, brief: BriefData) -> list[Issue]:
        found: list[Any] = [word for word in brief.brand.banned if word in data["line"].lower()]
        return [Issue("banned_term", f"“{word}” is banned.", part="line") for word in found]


class NoteRecipe(Writer):
    """Asks for the line, once."""

    name = "guided"

    def estimate_tokens(self, kind: Kind, brief: BriefData) -> Estimate:
        return Estimate(prompt_tokens=200, completion_tokens=40)

    def write(self, kind: Kind, brief: BriefData) -> Writing:
        messages = (Message("user", brief.text("topic")),)
        answer = yield Ask(section="line", messages=messages, max_tokens=40)
        data = {"line": answer.text}
        return Draft(data, tuple(kind.check(data, brief)))
