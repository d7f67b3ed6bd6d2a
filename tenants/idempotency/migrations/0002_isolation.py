"""Row-level security for the kept answers."""

from django.db import migrations

from tenants.rls import TenantTable


class Migration(migrations.Migration):
    dependencies = [("idempotency", "0001_initial"), ("tenants", "0002_isolation")]

    operations = [TenantTable("IdempotencyRecord")]
