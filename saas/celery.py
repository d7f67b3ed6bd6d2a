"""Celery: its messages only say "look"; what is to be done stands in Postgres."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_init
from django.db import connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")

app = Celery("kindling")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect  # type: ignore[untyped-decorator]
def keep_our_logs(**_: Any) -> None:
    """Django has set up the project's own: with a receiver here Celery adds no other shape."""


@worker_init.connect  # type: ignore[untyped-decorator]
def without_pool(**_: Any) -> None:
    """A worker holds its few connections itself: Celery would close Django's pool around each
    task, and with it the connections of the worker's other threads."""
    for alias in connections:
        connections.settings[alias]["OPTIONS"].pop("pool", None)
