"""What a worker sets up before it forks."""

import pytest
from django.db import connections

from saas.celery import app, without_pool


def test_workers_do_without_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    options = connections.settings["default"].setdefault("OPTIONS", {})
    monkeypatch.setitem(options, "pool", {"min_size": 1})
    without_pool(sender=app)
    assert "pool" not in connections["default"].settings_dict["OPTIONS"]
