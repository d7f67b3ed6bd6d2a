"""The programs that call the API, and a brand of Acme's."""

from tests.api import api, reader, stranger
from tests.generation.conftest import brand

__all__ = ["api", "brand", "reader", "stranger"]
