"""One address of a server, in the spelling of each library that connects to it."""

import pytest
from django.conf import settings
from kombu import Connection

from saas.env import celery_broker


def test_celery_reaches_the_socket_that_redis_py_reaches() -> None:
    broker = celery_broker("unix:///run/kindling/valkey.sock?db=3")
    assert broker == "redis+socket:///run/kindling/valkey.sock?virtual_host=3"
    assert Connection(broker).transport.driver_type == "redis"


def test_celery_reaches_the_server_of_this_test_run() -> None:
    with Connection(settings.CELERY_BROKER_URL) as connection:
        connection.ensure_connection(max_retries=1, timeout=5)


@pytest.mark.parametrize("url", ["redis://queue:6379/2", "rediss://:secret@queue:6380/0"])
def test_an_address_in_the_network_stays_as_it_is(url: str) -> None:
    assert celery_broker(url) == url
