"""A workspace's own model server."""

import django.db.models.deletion
from django.db import migrations, models

import saas.ids
import tenants.scope
from tenants.rls import TenantTable


class Migration(migrations.Migration):
    dependencies = [
        ("generation", "0002_walls"),
        ("tenants", "0004_names_of_models"),
    ]

    operations = [
        migrations.CreateModel(
            name="Endpoint",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=saas.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("base_url", models.CharField(max_length=500, verbose_name="address")),
                ("model", models.CharField(max_length=200, verbose_name="model")),
                (
                    "dialect",
                    models.CharField(
                        choices=[
                            ("openai", "Any server that speaks OpenAI's protocol"),
                            ("vllm", "vLLM"),
                        ],
                        default="openai",
                        max_length=8,
                        verbose_name="kind of server",
                    ),
                ),
                ("sealed_key", models.TextField(blank=True, editable=False)),
                ("key_tail", models.CharField(blank=True, editable=False, max_length=4)),
                ("enabled", models.BooleanField(default=True, verbose_name="in use")),
                ("checked_at", models.DateTimeField(editable=False, null=True)),
                ("check_result", models.CharField(blank=True, editable=False, max_length=40)),
                (
                    "tenant",
                    models.ForeignKey(
                        default=tenants.scope.current_tenant_id,
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "model server",
                "verbose_name_plural": "model servers",
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [models.UniqueConstraint(fields=("tenant",), name="one_endpoint")],
            },
        ),
        TenantTable("Endpoint"),
    ]
