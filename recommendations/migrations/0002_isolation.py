"""Row-level security for the catalogue, what people did, and what was answered."""

from importlib import import_module

from django.db import migrations

from tenants.rls import TenantTable, partition_ends

YEARS = import_module("recommendations.migrations.0001_initial").YEARS
# A table comes after those that it refers to.
TABLES = (
    "Catalogue",
    "Item",
    "Person",
    "ItemCounts",
    "Transition",
    "RankingModel",
    "Scenario",
    "ScenarioVersion",
    "Experiment",
    "Recommendation",
)


class Migration(migrations.Migration):
    dependencies = [
        ("recommendations", "0001_initial"),
        ("tenants", "0002_isolation"),
    ]

    operations = [
        *(TenantTable(model) for model in TABLES),
        TenantTable("Interaction", partitions=partition_ends(YEARS)),
    ]
