"""What this process keeps of each workspace: its arrays and its model, least used first out."""

import copy
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar
from uuid import UUID

from recommendations.serving.columns import Columns, refresh, refresh_counts
from recommendations.serving.trained import ModelState
from tenants.scope import current_tenant_id

Kept = TypeVar("Kept")
MAX_TENANTS = 100
COUNTS_EVERY_S = 5.0


class TenantCache(Generic[Kept]):
    """One value for each workspace in scope; nobody is handed another workspace's."""

    def __init__(self, make: Callable[[], Kept], limit: int = MAX_TENANTS) -> None:
        self._make = make
        self._limit = limit
        self._kept: OrderedDict[UUID, Kept] = OrderedDict()
        self._lock = threading.Lock()

    def get(self) -> Kept:
        tenant_id = current_tenant_id()
        with self._lock:
            if tenant_id not in self._kept:
                self._kept[tenant_id] = self._make()
            self._kept.move_to_end(tenant_id)
            while len(self._kept) > self._limit:
                self._kept.popitem(last=False)
            return self._kept[tenant_id]

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()


class CatalogueState:
    """A workspace's arrays, and when their counts were read."""

    def __init__(self) -> None:
        self.columns = Columns()
        self.lock = threading.Lock()
        self.counted = -COUNTS_EVERY_S

    def fresh(self) -> Columns:
        """The arrays as the catalogue stands now; counts may be some seconds old."""
        with self.lock:
            refresh(self.columns)
            if time.monotonic() - self.counted >= COUNTS_EVERY_S:
                refresh_counts(self.columns)
                self.counted = time.monotonic()
            self.columns.shared_sources()
            # Readers keep the arrays that they began with, whatever is written next to them.
            return copy.copy(self.columns)


catalogues: TenantCache[CatalogueState] = TenantCache(CatalogueState)
models: TenantCache[ModelState] = TenantCache(ModelState)
