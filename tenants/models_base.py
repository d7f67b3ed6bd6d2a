"""The base of every row that belongs to a tenant, and the managers that refuse to forget it."""

from collections.abc import Iterable, Sequence
from typing import Any, Self, TypeVar
from uuid import UUID

from django.db import models

from saas.ids import uuid7
from tenants import scope

Row = TypeVar("Row", bound="TenantModel")
Given = TypeVar("Given")
Got = TypeVar("Got")


class TenantQuerySet(models.QuerySet[Row]):
    """A queryset of one tenant's rows."""

    def bulk_create(self, objs: Iterable[Row], *args: Any, **kwargs: Any) -> list[Row]:
        rows = list(objs)
        for row in rows:
            row.assert_in_scope()
        return super().bulk_create(rows, *args, **kwargs)

    def newest(self) -> Self:
        return self.order_by("-created_at", "-pk")


RowManager = models.Manager.from_queryset(TenantQuerySet)


class TenantManager(RowManager[Row]):
    """Starts every query with the tenant in scope; raises ScopeError where there is none."""

    def get_queryset(self) -> TenantQuerySet[Row]:
        rows: TenantQuerySet[Row] = super().get_queryset()  # type: ignore[assignment]
        return rows.filter(tenant_id=scope.current_tenant_id())


class TenantForeignKey(models.ForeignKey[Given, Got]):
    """A reference to a row of the same tenant.

    Its database constraint is (tenant_id, x_id) -> (tenant_id, id), made by
    `tenants.rls.TenantTable`: a plain one would accept another tenant's row.
    """

    def __init__(self, to: Any, on_delete: Any, **kwargs: Any) -> None:
        kwargs["db_constraint"] = False
        super().__init__(to, on_delete, **kwargs)

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("db_constraint", None)
        return name, path, args, kwargs


class TenantModel(models.Model):
    """A row of one tenant. It can only be read and written inside that tenant's scope."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(
        "tenants.Tenant",
        on_delete=models.CASCADE,
        default=scope.current_tenant_id,
        editable=False,
        related_name="+",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = TenantManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.assert_in_scope()
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        self.assert_in_scope()
        return super().delete(*args, **kwargs)

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Self:
        """The row as it was read; its tenant is the one in scope, so nobody asks for it again."""
        row = super().from_db(*args, **kwargs)
        tenant = scope.current_tenant()
        if tenant is not None and row.__dict__.get("tenant_id") == tenant.pk:
            row.tenant = tenant
        return row

    @property
    def workspace_id(self) -> UUID:
        """`tenant_id`, which type checkers think optional because the field has a default."""
        return self.tenant_id  # type: ignore[return-value]

    def assert_in_scope(self) -> None:
        if self.tenant_id != scope.current_tenant_id():
            raise scope.ScopeError(f"{type(self).__name__} belongs to a tenant out of scope.")
