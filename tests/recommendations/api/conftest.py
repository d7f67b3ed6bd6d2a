"""A web server that other companies' clients can call, and what a workspace calls it with."""

from collections.abc import Iterator

import pytest

from tests.support.live import served


@pytest.fixture(scope="session")
def server(django_db_setup: None) -> Iterator[str]:
    with served() as address:
        yield address
