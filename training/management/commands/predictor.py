"""`manage.py predictor`: keep heads warm and answer with them until told to stop."""

import signal
from threading import Event
from typing import Any

import redis
from django.conf import settings
from django.core.management.base import BaseCommand

# Longer than it waits for a question.
SOCKET_TIMEOUT_S = 10


class Command(BaseCommand):
    help = "Sort texts and find things in them for the web, with the models that are kept warm."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        from training.serving.metrics import served
        from training.serving.predictor import Predictor  # imports torch

        stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=SOCKET_TIMEOUT_S)
        Predictor(client, served()).run(stop.is_set)
