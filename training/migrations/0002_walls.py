"""Row-level security for model versions and the choice between them."""

from django.db import migrations

from tenants.rls import TenantTable


class Migration(migrations.Migration):
    dependencies = [
        ("training", "0001_initial"),
        ("tenants", "0002_walls"),
    ]

    operations = [TenantTable("ModelVersion"), TenantTable("ModelSwitch")]
