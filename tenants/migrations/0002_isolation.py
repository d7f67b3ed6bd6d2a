"""Row-level security for the tables of workspaces."""

from django.db import migrations

from tenants.rls import (
    INVITATION,
    KEY_PREFIX,
    USER,
    AppendOnly,
    DispatchFunction,
    TenantTable,
)

MEMBER = (
    "EXISTS (SELECT 1 FROM tenants_membership m "
    f"WHERE m.tenant_id = tenants_tenant.id AND m.user_id = {USER})"
)


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]

    operations = [
        TenantTable("Tenant", column="id", lookups={"of_member": MEMBER}),
        TenantTable("ApiKey", lookups={"by_prefix": f"prefix = {KEY_PREFIX}"}),
        TenantTable("Membership", lookups={"by_user": f"user_id = {USER}"}),
        TenantTable("Invitation", lookups={"by_secret": f"secret_sha256 = {INVITATION}"}),
        TenantTable("AuditEvent"),
        AppendOnly("AuditEvent"),
        DispatchFunction(
            "tenants_directory() RETURNS TABLE (id uuid, name text, slug text)",
            "SELECT id, name, slug FROM tenants_tenant ORDER BY lower(name)",
            reads={"tenants_tenant": ["id", "name", "slug"]},
        ),
    ]
