"""The programs that call the API, and a brand of Acme's."""

from tests.generation.conftest import brand
from tests.support.api import api, reader, stranger

__all__ = ["api", "brand", "reader", "stranger"]
