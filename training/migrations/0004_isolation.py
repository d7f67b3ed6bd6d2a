"""Row-level security for datasets, their rows and versions, and training runs."""

from django.db import migrations

from tenants.rls import TenantTable

# A table comes after those that it refers to.
TABLES = ("Dataset", "DatasetRow", "DatasetVersion", "TrainingRun")


class Migration(migrations.Migration):
    dependencies = [
        ("training", "0003_datasets"),
        ("jobs", "0002_walls"),
        ("tenants", "0002_walls"),
    ]

    operations = [TenantTable(model) for model in TABLES]
