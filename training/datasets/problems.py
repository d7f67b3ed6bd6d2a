"""What can be wrong with a file or a row: a code, where, and the parameters of its sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault. `line` counts from 1 and is 0 where the file as a whole is meant."""

    code: str
    line: int = 0
    column: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


class FileRefused(Exception):
    """The file cannot be taken at all; its first problems say why."""

    def __init__(self, code: str, *problems: Problem, count: int = 0, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.problems = problems or (Problem(code, params=params),)
        self.count = count or len(self.problems)
