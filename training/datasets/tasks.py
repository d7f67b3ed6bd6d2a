"""The five tasks of a dataset: the fields of a row, what people call them, what makes one right."""

import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.datasets.problems import Problem

LONGEST_TEXT = 50_000
LONGEST_LABEL = 80
ROLES = ("system", "user", "assistant")
# Columns that every task knows beside its own.
COMMON = {
    "row_id": ("row_id", "rowid", "id", "编号", "序号"),
    "group_id": ("group_id", "group", "分组", "组"),
    "split": ("split", "集合", "划分"),
    "language": ("language", "lang", "语言"),
}

Content = dict[str, Any]
Check = Callable[[Mapping[str, Any], int], Iterator[Problem]]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a row and the headers that people give its column, the likeliest first."""

    name: str
    aliases: tuple[str, ...]
    required: bool = True


@dataclass(frozen=True, slots=True)
class Task:
    """How rows of a task are read: its fields, how they become content, and their checks.

    `forms` are sets of fields of which a row has one, beside the fields that are required.
    """

    name: str
    fields: tuple[Field, ...]
    build: Callable[[Mapping[str, Any]], Content]
    check: Callable[[Content, int], Iterator[Problem]]
    text: Callable[[Content], str]
    forms: tuple[tuple[str, ...], ...] = ()

    def missing(self, mapping: Mapping[str, str]) -> list[str]:
        """Fields that a row needs and that no column is mapped to."""
        mapped = set(mapping.values())
        required = tuple(each.name for each in self.fields if each.required)
        begun = max(self.forms, key=lambda form: len(mapped & set(form)) / len(form), default=())
        return [name for name in (*required, *begun) if name not in mapped]


def text_problem(value: Any, line: int, column: str, longest: int = LONGEST_TEXT) -> list[Problem]:
    if not isinstance(value, str) or not value.strip():
        return [Problem("field_empty", line, column)]
    if len(value) > longest:
        return [Problem("field_too_long", line, column, {"limit": longest})]
    return []


# Classification


def _label_content(values: Mapping[str, Any]) -> Content:
    raw = values.get("label", "")
    labels = raw if isinstance(raw, list) else [raw]
    if isinstance(raw, str) and "|" in raw:
        labels = raw.split("|")
    return {
        "text": values.get("text", ""),
        "labels": [str(label).strip() for label in labels if str(label).strip()],
    }


def _label_check(content: Content, line: int) -> Iterator[Problem]:
    yield from text_problem(content["text"], line, "text")
    if not content["labels"]:
        yield Problem("field_empty", line, "label")
    for label in content["labels"]:
        yield from text_problem(label, line, "label", LONGEST_LABEL)


# Chat and preference


def _messages(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _chat_content(values: Mapping[str, Any]) -> Content:
    if "messages" in values:
        return {"messages": _messages(values["messages"])}
    turns = [("system", "system"), ("prompt", "user"), ("answer", "assistant")]
    found = [{"role": role, "content": values[name]} for name, role in turns if values.get(name)]
    return {"messages": found}


def _messages_check(messages: Any, line: int) -> Iterator[Problem]:
    if not isinstance(messages, list) or not messages:
        yield Problem("messages_invalid", line, "messages")
        return
    for message in messages:
        whole = isinstance(message, dict) and message.get("role") in ROLES
        if not whole or text_problem(message.get("content"), line, "messages"):
            yield Problem("messages_invalid", line, "messages")
            return


def _chat_check(content: Content, line: int) -> Iterator[Problem]:
    found = list(_messages_check(content["messages"], line))
    yield from found
    if not found and content["messages"][-1]["role"] != "assistant":
        yield Problem("no_answer", line, "messages")


def _chat_text(content: Content) -> str:
    return "\n".join(str(message["content"]) for message in content["messages"])


def _preference_text(content: Content) -> str:
    asked = _chat_text(content) if "messages" in content else content["prompt"]
    return f"{asked}\n{content['chosen']}"


def _preference_content(values: Mapping[str, Any]) -> Content:
    """What was asked, as a text or as the messages of a conversation, and the two answers."""
    whole = values.get("messages")
    asked = {"messages": _messages(whole)} if whole else {"prompt": values.get("prompt", "")}
    return {**asked, "chosen": values.get("chosen", ""), "rejected": values.get("rejected", "")}


def _preference_check(content: Content, line: int) -> Iterator[Problem]:
    if "messages" in content:
        yield from _messages_check(content["messages"], line)
    else:
        yield from text_problem(content["prompt"], line, "prompt")
    for name in ("chosen", "rejected"):
        yield from text_problem(content[name], line, name)
    if content["chosen"] == content["rejected"]:
        yield Problem("nothing_preferred", line, "rejected")


# Extraction


def _span_content(values: Mapping[str, Any]) -> Content:
    if values.get("tokens"):
        return {"tokens": _listed(values["tokens"]), "tags": _listed(values.get("tags", ""))}
    spans = _messages(values.get("spans", "[]"))
    return {"text": values.get("text", ""), "spans": spans}


def _listed(value: Any) -> list[str]:
    found = _messages(value) if isinstance(value, str) and value.startswith("[") else value
    return found.split() if isinstance(found, str) else list(found)


def _span_check(content: Content, line: int) -> Iterator[Problem]:
    if "tokens" in content:
        tokens, tags = content["tokens"], content["tags"]
        if not tokens or len(tokens) != len(tags):
            yield Problem("tags_do_not_fit", line, "tags")
        elif any(tag != "O" and not tag.startswith(("B-", "I-")) for tag in tags):
            yield Problem("tag_invalid", line, "tags")
        return
    yield from text_problem(content["text"], line, "text")
    size = len(str(content["text"]))
    spans = content["spans"]
    if not isinstance(spans, list) or not all(_within(span, size) for span in spans):
        yield Problem("span_invalid", line, "spans")


def _within(span: Any, size: int) -> bool:
    """Whether a span has a label and lies inside a text of that many characters."""
    if not isinstance(span, dict) or not isinstance(span.get("label"), str):
        return False
    start, end = span.get("start"), span.get("end")
    if not isinstance(start, int) or not isinstance(end, int):
        return False
    return 0 <= start < end <= size


def _span_text(content: Content) -> str:
    return " ".join(content["tokens"]) if "tokens" in content else str(content["text"])


# Copy: the fields of a brief and the finished text


def _copy_content(values: Mapping[str, Any]) -> Content:
    own = {"kind", "text", "fields", "context", *COMMON}
    fields = _messages(values.get("fields", {}))
    context = {"context": values["context"]} if values.get("context") else {}
    fields = fields if isinstance(fields, dict) else {}
    more = {name: value for name, value in values.items() if name not in own and value != ""}
    fields = {**more, **fields}
    return {"kind": values.get("kind", ""), "fields": fields, "text": values["text"], **context}


def _copy_check(content: Content, line: int) -> Iterator[Problem]:
    yield from text_problem(content["text"], line, "text")
    if content["kind"]:
        yield from text_problem(content["kind"], line, "kind", 40)
    if not isinstance(content.get("context", {}), dict):
        yield Problem("row_invalid", line, "context")


def _own_text(content: Content) -> str:
    return str(content["text"])


TEXT = Field("text", ("text", "sentence", "content", "copy", "文本", "内容", "正文", "文案"))
TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task(
            "copy",
            (
                TEXT,
                Field("kind", ("kind", "format", "type", "类型", "文案类型"), required=False),
                Field("fields", ("fields", "brief", "简报"), required=False),
                Field("context", ("context",), required=False),
                Field("product", ("product", "service", "产品", "商品"), required=False),
                Field("points", ("points", "selling points", "卖点"), required=False),
                Field("offer", ("offer", "优惠"), required=False),
            ),
            _copy_content,
            _copy_check,
            _own_text,
        ),
        Task(
            "chat",
            (
                Field("messages", ("messages", "conversation", "对话"), required=False),
                Field("system", ("system", "系统"), required=False),
                Field("prompt", ("prompt", "question", "user", "input", "问题", "提问"), False),
                Field("answer", ("answer", "completion", "assistant", "output", "回答"), False),
            ),
            _chat_content,
            _chat_check,
            _chat_text,
            forms=(("prompt", "answer"), ("messages",)),
        ),
        Task(
            "preference",
            (
                Field("prompt", ("prompt", "question", "问题", "提示"), required=False),
                Field("messages", ("messages", "conversation", "对话"), required=False),
                Field("chosen", ("chosen", "preferred", "better", "选中", "更好")),
                Field("rejected", ("rejected", "worse", "拒绝", "更差")),
            ),
            _preference_content,
            _preference_check,
            _preference_text,
            forms=(("prompt",), ("messages",)),
        ),
        Task(
            "classification",
            (
                TEXT,
                Field("label", ("label", "labels", "category", "class", "标签", "类别", "分类")),
            ),
            _label_content,
            _label_check,
            _own_text,
        ),
        Task(
            "extraction",
            (
                Field("tokens", ("tokens", "words", "词"), required=False),
                Field("tags", ("tags", "ner_tags", "bio", "标注"), required=False),
                Field("text", TEXT.aliases, required=False),
                Field("spans", ("spans", "entities", "实体"), required=False),
            ),
            _span_content,
            _span_check,
            _span_text,
            forms=(("text", "spans"), ("tokens", "tags")),
        ),
    )
}


def guess_mapping(task: Task, headers: Sequence[str]) -> dict[str, str]:
    """{header: field} by the names that people use, in English and Chinese; each field once."""
    wanted = {each.name: each.aliases for each in task.fields} | COMMON
    free = dict.fromkeys(headers)
    found: dict[str, str] = {}
    for name, aliases in wanted.items():
        for alias in aliases:
            header = next((each for each in free if folded(each) == folded(alias)), None)
            if header is not None:
                found[header] = name
                del free[header]
                break
    return found


def folded(header: str) -> str:
    return unicodedata.normalize("NFKC", header).casefold().replace("_", " ").strip()


def mapped(values: Mapping[str, Any], mapping: Mapping[str, str]) -> dict[str, Any]:
    """A record's values under the names of the fields."""
    return {mapping[name]: value for name, value in values.items() if name in mapping}
