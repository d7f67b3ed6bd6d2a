"""The programs that call the API."""

from tests.support.api import api, reader, stranger

__all__ = ["api", "reader", "stranger"]
