"""How rows of a dataset become what the model reads: chats and preferences as they stand.

A task whose form another app knows is rendered by that app, by the very function that asks the
model when it writes; it is registered when the app is ready.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from generation.engine.types import Message

# The messages that are read, and last the one that is learnt.
Render = Callable[[Mapping[str, Any]], list[Message]]

_renderers: dict[str, Render] = {}


def provide(task: str, render: Render) -> None:
    """Say how rows of a task are rendered: called once, when the app that knows is ready."""
    _renderers[task] = render


@dataclass(frozen=True, slots=True)
class Checked:
    """A draft as people read it, and whether it keeps to the brand's terms and to the limits."""

    text: str
    terms: bool = True
    limits: bool = True


# The row's content, and an answer to its order.
Check = Callable[[Mapping[str, Any], str], Checked]

_checks: dict[str, Check] = {}


def provide_check(task: str, check: Check) -> None:
    """Say how drafts of a task are read: called once, when the app that knows is ready."""
    _checks[task] = check


def checked(task: str, content: Mapping[str, Any], answer: str) -> Checked | None:
    """The answer as it is read; None for a task of which nobody knows terms or limits."""
    check = _checks.get(task)
    return check(content, answer) if check else None


def messages_of(task: str, content: Mapping[str, Any]) -> list[Message]:
    """A row as a conversation. Raises LookupError for a task that nobody renders."""
    if task == "chat":
        return _conversation(content)
    if task not in _renderers:
        raise LookupError(f"No app renders rows of the task {task}.")
    return _renderers[task](content)


def pair_of(content: Mapping[str, Any]) -> tuple[list[Message], str, str]:
    """A preference: what was asked, the better answer, the worse one."""
    asked = _conversation(content) if "messages" in content else None
    prompt = asked or [Message("user", content["prompt"])]
    return prompt, content["chosen"], content["rejected"]


def _conversation(content: Mapping[str, Any]) -> list[Message]:
    return [Message(each["role"], each["content"]) for each in content["messages"]]
