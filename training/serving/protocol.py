"""What the web sends to the predictor and what comes back: JSON in lists of Valkey. No torch."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Self

# One list for all questions; each answer has a list of its own, for as long as somebody may wait.
QUESTIONS = "predict:questions"
KEPT_S = 60


def answer_key(question_id: str) -> str:
    return f"predict:answer:{question_id}"


@dataclass(frozen=True, slots=True)
class Question:
    """Texts for one head of one workspace; nobody waits for the answer after `until` (Unix time).

    `top` is how many labels are told with their probabilities. With `explain` each answer comes
    with what every word did for its label.
    """

    id: str
    tenant: str
    sha256: str
    task: str
    encoder: str
    texts: list[str]
    until: float
    top: int = 5
    explain: bool = False

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, raw: bytes | str) -> Self:
        return cls(**json.loads(raw))


@dataclass(frozen=True, slots=True)
class Answer:
    """A prediction for each text, or the code and words of what went wrong."""

    predictions: list[dict[str, Any]]
    error: str = ""
    message: str = ""

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, raw: bytes | str) -> Self:
        return cls(**json.loads(raw))
