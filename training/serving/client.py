"""The web's side of predictions: ask, and wait for the answer."""

import time
from functools import cache
from uuid import uuid4

import redis
from django.conf import settings
from django.utils.translation import gettext as _

from saas.errors import Unavailable
from training.errors import BaseMismatch, HeadUnusable
from training.models import ModelVersion
from training.serving.protocol import KEPT_S, QUESTIONS, Answer, Question, answer_key

# So long is waited for one answer, and so much longer for each further text.
WAIT_S, WAIT_PER_TEXT_S = 10.0, 0.1
# Longer than is waited for any answer.
SOCKET_TIMEOUT_S = 180
# More wait already than could be answered in that time.
MOST_WAITING = 500


@cache
def client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=SOCKET_TIMEOUT_S
    )


def ask(version: ModelVersion, texts: list[str], *, top: int, explain: bool) -> Answer:
    """The predictions for the texts. Raises Unavailable, or HeadUnusable."""
    wait = WAIT_S + WAIT_PER_TEXT_S * len(texts) * (10 if explain else 1)
    question = Question(
        id=uuid4().hex,
        tenant=str(version.workspace_id),
        sha256=version.sha256,
        task=version.task,
        encoder=version.card["recipe"]["encoder"],
        texts=texts,
        until=time.time() + wait,
        top=top,
        explain=explain,
    )
    try:
        answer = exchanged(question, wait)
    except redis.RedisError as error:
        raise Unavailable(_("Nothing can be predicted at this moment.")) from error
    if answer.error == "model_unsupported":
        detail = _("“%(name)s” was taught on another encoder than the one that is here now.")
        raise BaseMismatch(detail % {"name": version.name}, needed=version.base_sha256, base=None)
    if answer.error:
        raise HeadUnusable(reason=answer.error)
    return answer


def exchanged(question: Question, wait: float) -> Answer:
    """Put the question and take its answer; raises Unavailable where none comes in time."""
    if client().llen(QUESTIONS) >= MOST_WAITING:
        raise Unavailable(_("Too many texts wait for a prediction. Try again in a minute."))
    pipe = client().pipeline(transaction=False)
    pipe.rpush(QUESTIONS, question.to_json())
    pipe.expire(QUESTIONS, 2 * KEPT_S)
    pipe.execute()
    found = client().blpop([answer_key(question.id)], timeout=wait)
    if found is None:
        raise Unavailable(_("No prediction came in time. Try again in a minute."))
    return Answer.from_json(found[1])
