"""What these endpoints share: rows found by the customer's own ids, and bodies of one or many."""

from typing import Any

from rest_framework.request import Request

from saas.errors import BatchTooLarge, NotFound
from tenants.api import TenantViewSet

MOST_EVENTS = 10_000
MOST_ROWS = 1_000
LARGE_BODY = 5 * 1024 * 1024
KEY_IN_PATH = r"[a-zA-Z0-9_\-:@\.]+"


class KeyedViewSet(TenantViewSet):
    """Rows by the id that the customer gave them."""

    lookup_field = "key"
    lookup_value_regex = KEY_IN_PATH

    def get_object(self) -> Any:
        row = self.get_queryset().filter(key=self.kwargs["key"]).first()
        if row is None:
            raise NotFound
        return row

    def retrieve(self, request: Request, key: str) -> Any:
        return super().retrieve(request, key)


def many(data: Any, most: int) -> tuple[list[Any], bool]:
    """The body as a list, and whether it was one; raises BatchTooLarge."""
    if not isinstance(data, list):
        return [data], False
    if len(data) > most:
        raise BatchTooLarge(limit=most)
    return data, True
