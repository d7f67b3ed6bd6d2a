"""The base of rows of which a workspace may have so many and no more."""

from typing import Any, ClassVar

from django.db import transaction

from tenants.billing.limits import require_room
from tenants.models_base import TenantModel


class LimitedModel(TenantModel):
    """Its rows are counted when one is added, through whichever door: raises LimitReached.

    `limit_name` is the limit that holds. bulk_create asks nobody: its caller calls require_room.
    """

    limit_name: ClassVar[str]

    class Meta(TenantModel.Meta):
        abstract = True

    @transaction.atomic
    def save(self, *args: Any, **kwargs: Any) -> None:
        if self._state.adding:
            require_room(self.limit_name, type(self).objects.count)
        super().save(*args, **kwargs)
