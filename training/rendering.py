"""How rows of a dataset become what the model reads: chats and preferences as they stand.

A task whose form another app knows is rendered by that app, by the very function that asks the
model when it writes; it is registered when the app is ready.
"""

from collections.abc import Callable, Mapping
from typing import Any

from generation.engine.types import Message

# The messages that are read, and last the one that is learnt.
Render = Callable[[Mapping[str, Any]], list[Message]]

_renderers: dict[str, Render] = {}


def provide(task: str, render: Render) -> None:
    """Say how rows of a task are rendered: called once, when the app that knows is ready."""
    _renderers[task] = render


def messages_of(task: str, content: Mapping[str, Any]) -> list[Message]:
    """A row as a conversation. Raises LookupError for a task that nobody renders."""
    if task == "chat":
        return [Message(each["role"], each["content"]) for each in content["messages"]]
    if task not in _renderers:
        raise LookupError(f"No app renders rows of the task {task}.")
    return _renderers[task](content)


def pair_of(content: Mapping[str, Any]) -> tuple[list[Message], str, str]:
    """A preference: what was asked, the better answer, the worse one."""
    return [Message("user", content["prompt"])], content["chosen"], content["rejected"]
