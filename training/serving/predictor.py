"""The predictor: a process that keeps encoders and heads warm and answers one small part at a time.

It has no connection to the database: who may ask for which head is the web's business, and a
question names the workspace that the head's files lie under.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
import torch
from django.conf import settings

from training import head_files
from training.encoders import ENGLISH, encoder_folder
from training.heads.encoder import Encoder
from training.heads.explanation import explained
from training.heads.layout import CLASSIFICATION
from training.heads.prediction import Classifier, Prediction
from training.heads.tagger import Entity, Tagger
from training.lora.errors import TrainingError
from training.serving.metrics import Answered, nobody_counts
from training.serving.protocol import KEPT_S, QUESTIONS, Answer, Question, answer_key

log = logging.getLogger(__name__)

# Texts of one part: a question of a thousand texts lets others in between its parts.
PART = 8
WAIT_S = 1
RETRY_S = 2.0

Head = Classifier | Tagger


@dataclass(slots=True)
class Work:
    """A question that is being answered."""

    question: Question
    began: float = field(default_factory=time.monotonic)
    done: list[dict[str, Any]] = field(default_factory=list)

    @property
    def part(self) -> list[str]:
        return self.question.texts[len(self.done) : len(self.done) + PART]

    @property
    def finished(self) -> bool:
        return len(self.done) >= len(self.question.texts)


class Heads:
    """The heads used last, with the encoders that those share which left them frozen."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.encoders: dict[str, Encoder] = {}
        self.heads: OrderedDict[tuple[str, str], Head] = OrderedDict()

    def get(self, question: Question) -> Head:
        """Raises TrainingError or OSError where the head or its encoder is not to be had."""
        key = (question.tenant, question.sha256)
        if key not in self.heads:
            folder = head_files.fetch(question.tenant, question.sha256)
            self.heads[key] = self._loaded(folder, question)
            while len(self.heads) > self.limit:
                self.heads.popitem(last=False)
        self.heads.move_to_end(key)
        return self.heads[key]

    def _loaded(self, folder: Path, question: Question) -> Head:
        encoder = self.encoder(question.encoder)
        if question.task == CLASSIFICATION:
            return Classifier.load(folder, encoder)
        return Tagger.load(folder, encoder)

    def encoder(self, name: str) -> Encoder:
        if name not in self.encoders:
            self.encoders[name] = Encoder.load(encoder_folder(name))
        return self.encoders[name]


class Predictor:
    """Answers questions in turns, a part of each, so that one text never waits for a thousand."""

    def __init__(self, client: redis.Redis, answered: Answered = nobody_counts) -> None:
        torch.set_num_threads(settings.PREDICTOR_THREADS)
        self.client, self.answered = client, answered
        self.heads = Heads(settings.PREDICTOR_HEADS)
        self.pending: deque[Work] = deque()

    def run(self, stopping: Callable[[], bool]) -> None:
        """Until it is to stop; Valkey may be away meanwhile."""
        self.heads.encoder(ENGLISH)  # the first question is not to wait for it
        while not stopping():
            try:
                self.step()
            except redis.RedisError as error:
                log.warning("valkey_away error=%s", type(error).__name__)
                time.sleep(RETRY_S)

    def step(self) -> None:
        """Take in what has come, and answer a part of what has waited longest."""
        self._take()
        if not self.pending:
            return
        work = self.pending.popleft()
        if work.question.until < time.time():
            return
        answer = self._advanced(work)
        if answer is None:
            self.pending.append(work)
        else:
            self._send(work.question, answer)
            self.answered(len(work.done), time.monotonic() - work.began)

    def _take(self) -> None:
        raw: Any = None
        if not self.pending:
            found: Any = self.client.blpop([QUESTIONS], timeout=WAIT_S)
            raw = found[1] if found else None
        raw = raw or self.client.lpop(QUESTIONS)
        while raw:
            self.pending.append(Work(Question.from_json(raw)))
            raw = self.client.lpop(QUESTIONS)

    def _advanced(self, work: Work) -> Answer | None:
        """The answer, where it is whole after this part, or where something is wrong with it."""
        try:
            head = self.heads.get(work.question)
            work.done += told(head, work.part, work.question)
        except TrainingError as error:
            return Answer([], error.code, error.message)
        except OSError as error:
            log.warning("head_unusable sha256=%s error=%s", work.question.sha256, error)
            return Answer([], "head_missing")
        except Exception:  # a bug with one question must not end the others; it is logged
            log.exception("prediction_failed sha256=%s", work.question.sha256)
            return Answer([], "internal_error")
        return Answer(work.done) if work.finished else None

    def _send(self, question: Question, answer: Answer) -> None:
        key = answer_key(question.id)
        pipe = self.client.pipeline(transaction=False)
        pipe.rpush(key, answer.to_json())
        pipe.expire(key, KEPT_S)
        pipe.execute()


def told(head: Head, texts: list[str], question: Question) -> list[dict[str, Any]]:
    """The predictions as JSON."""
    if isinstance(head, Tagger):
        found = zip(texts, head.predict(texts), strict=True)
        return [{"entities": [entity(text, each) for each in own]} for text, own in found]
    predictions = [label(each, question.top) for each in head.predict(texts)]
    if question.explain:
        for text, each in zip(texts, predictions, strict=True):
            each["explanation"] = explained(head, text).to_json()
    return predictions


def label(found: Prediction, top: int) -> dict[str, Any]:
    best = sorted(found.probabilities.items(), key=lambda pair: -pair[1])[:top]
    return {
        "label": found.label,
        "labels": found.labels,
        "probability": round(found.probability, 6),
        "abstained": found.abstained,
        "probabilities": {name: round(share, 6) for name, share in best},
    }


def entity(text: str, found: Entity) -> dict[str, Any]:
    return {
        "label": found.label,
        "text": text[found.start : found.end],
        "start": found.start,
        "end": found.end,
        "probability": round(found.probability, 6),
    }
