"""The programs that call the API, and a server for those that need a real one."""

from collections.abc import Iterator

import pytest

from tests.support.api import api, reader, stranger
from tests.support.live import served

__all__ = ["api", "reader", "stranger"]


@pytest.fixture(scope="session")
def server(django_db_setup: None, django_db_blocker: object) -> Iterator[str]:
    """The address of the running app."""
    with served() as address:
        yield address
