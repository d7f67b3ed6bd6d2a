"""What Celery tasks are made of: each works for one tenant, or says that it works for none."""

from typing import Any
from uuid import UUID

from celery import Task

from tenants.scope import ScopeError, current_tenant_id, tenant_scope

HEADER = "tenant"


class TenantTask(Task):  # type: ignore[misc]
    """The default. It is sent with the tenant in scope, runs in that scope and fails without."""

    abstract = True

    def apply_async(self, *args: Any, **options: Any) -> Any:
        headers = {**(options.pop("headers", None) or {}), HEADER: str(current_tenant_id())}
        return super().apply_async(*args, headers=headers, **options)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # A worker finds its message's headers on the request, an eager call one level below.
        tenant = self.request.get(HEADER) or (self.request.headers or {}).get(HEADER)
        if not tenant:
            raise ScopeError(f"The task {self.name} came without a tenant.")
        with tenant_scope(UUID(tenant)):
            return super().__call__(*args, **kwargs)


class DispatchTask(Task):  # type: ignore[misc]
    """A task for no tenant: it looks for work and enters the scope of what it finds."""

    abstract = True
