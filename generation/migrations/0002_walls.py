"""Row-level security for the studio's tables."""

from django.db import migrations

from tenants.rls import TenantTable

# A table comes after those that it refers to.
TABLES = (
    "Brand",
    "Audience",
    "Batch",
    "Brief",
    "Variant",
    "Content",
    "ContentVersion",
    "Approval",
    "ContentEvent",
)


class Migration(migrations.Migration):
    dependencies = [
        ("generation", "0001_initial"),
        ("tenants", "0002_walls"),
        ("jobs", "0002_walls"),
    ]

    operations = [TenantTable(model) for model in TABLES]
