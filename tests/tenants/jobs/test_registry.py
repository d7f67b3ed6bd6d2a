"""Kinds of job are declared once, by whoever does them, and found by their name."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from saas.stack import programs
from tenants.billing.meters import meter
from tenants.jobs import registry, worker
from tenants.jobs.registry import (
    JobKind,
    kind_of,
    kinds,
    label_of,
    message_of,
    register,
    registered,
)
from tests.support.source import ROOT
from tests.tenants.jobs import handlers
from tests.tenants.jobs.conftest import ask

ECHO = JobKind(name="test.echo", label="Echoing", handler="tests.tenants.jobs.handlers.echo")


def test_a_kind_is_known_while_it_is_registered() -> None:
    with registered(ECHO):
        assert kind_of("test.echo") is ECHO
        assert ECHO in kinds()
        assert label_of("test.echo") == "Echoing"
    assert kind_of("test.echo") is None
    assert label_of("test.echo") == "test.echo"


def test_a_handler_is_a_function_or_the_path_of_one() -> None:
    direct = JobKind(name="test.direct", label="", handler=handlers.echo)
    assert direct.load() is ECHO.load() is handlers.echo


@pytest.mark.parametrize(
    "wrong",
    [
        JobKind(name="generate.echo", label="", handler=handlers.echo),
        JobKind(name="test.lost", label="", handler=handlers.echo, queue="nowhere"),
    ],
)
def test_a_name_is_given_once_and_its_queue_has_a_worker(wrong: JobKind) -> None:
    with pytest.raises(ImproperlyConfigured):
        register(wrong)


def test_a_page_finds_its_id_in_the_payload() -> None:
    plain = JobKind(name="test.page", label="", handler=handlers.echo, page="training-run")
    named = JobKind(name="test.named", label="", handler=handlers.echo, page="run", page_key="id")
    assert plain.page_id({"training_run": "7"}) == named.page_id({"id": "7"}) == "7"
    assert plain.page_id({}) == ECHO.page_id({"": "7"}) == ""


def test_an_error_has_words_for_people_where_the_kind_has_some() -> None:
    kind = JobKind(name="test.said", label="", handler=handlers.echo, messages={"oom": "Too big."})
    with registered(kind):
        assert message_of("test.said", "oom", "137") == "Too big."
        assert message_of("test.said", "other", "137") == "137"
    assert message_of("test.said", "oom", "137") == "137"
    assert "unexpectedly" in message_of("test.said", "internal_error", "ZeroDivisionError")


def test_every_queue_has_a_worker() -> None:
    assert {queue: registry.worker_of(queue) for queue in ("default", "train", "score")} == (
        dict.fromkeys(("default", "train", "score"), worker.run)
    )
    assert registry.worker_of("generate") is not worker.run
    with pytest.raises(ImproperlyConfigured):
        registry.register_worker("nowhere", worker.run)


def test_every_handler_is_there() -> None:
    assert all(callable(kind.load()) for kind in kinds())


def test_every_meter_of_a_kind_is_there() -> None:
    assert all(meter(name) for kind in kinds() for name in kind.meters)


@pytest.mark.django_db
def test_nobody_can_ask_for_a_kind_that_is_not_there() -> None:
    with pytest.raises(LookupError, match=r"test\.nowhere"):
        ask("test.nowhere")


def test_make_up_and_the_readme_serve_every_queue() -> None:
    """The stack stands below the jobs and has names of its own for the queues."""
    assert set(programs.NICENESS) == set(registry.QUEUES)
    commands = (ROOT / "README.md").read_text()
    assert all(f"-Q {queue} -c 1 -P prefork" in commands for queue in registry.QUEUES)
