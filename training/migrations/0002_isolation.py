"""Row-level security for models and what is taught with: datasets, their versions, runs."""

from django.db import migrations

from tenants.rls import TenantTable

# A table comes after those that it refers to.
TABLES = (
    "ModelVersion",
    "ModelSwitch",
    "Dataset",
    "DatasetRow",
    "DatasetVersion",
    "TrainingRun",
)


class Migration(migrations.Migration):
    dependencies = [
        ("training", "0001_initial"),
        ("jobs", "0002_isolation"),
        ("tenants", "0002_isolation"),
    ]

    operations = [TenantTable(model) for model in TABLES]
