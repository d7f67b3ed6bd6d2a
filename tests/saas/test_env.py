"""One address of a server, in the spelling of each library that connects to it."""

import pytest
from kombu.utils.url import parse_url

from saas.env import celery_broker


def test_celery_reaches_the_socket_that_redis_py_reaches() -> None:
    broker = celery_broker("unix:///run/kindling/valkey.sock?db=3")
    assert broker == "redis+socket:///run/kindling/valkey.sock?virtual_host=3"
    assert parse_url(broker)["transport"] == "redis+socket"


@pytest.mark.parametrize("url", ["redis://queue:6379/2", "rediss://:secret@queue:6380/0"])
def test_an_address_in_the_network_stays_as_it_is(url: str) -> None:
    assert celery_broker(url) == url
