"""Texts are found without regard to accents and quotation marks; campaigns, and favourites."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import saas.ids
import tenants.models_base
import tenants.scope
from generation import search
from tenants.rls import TenantTable


class Migration(migrations.Migration):
    dependencies = [
        ("generation", "0004_writers"),
        ("tenants", "0004_test_keys"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(search.FOLD, migrations.RunSQL.noop),
        migrations.RunSQL(search.WORDS, migrations.RunSQL.noop),
        migrations.RunSQL("REINDEX INDEX content_words", migrations.RunSQL.noop),
        migrations.AddField(
            model_name="brief",
            name="campaign",
            field=models.CharField(blank=True, max_length=80, verbose_name="campaign"),
        ),
        migrations.CreateModel(
            name="Favourite",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=saas.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "content",
                    tenants.models_base.TenantForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="favourites",
                        to="generation.content",
                    ),
                ),
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
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"abstract": False, "base_manager_name": "objects"},
        ),
        migrations.AddConstraint(
            model_name="favourite",
            constraint=models.UniqueConstraint(
                fields=("tenant", "content", "user"), name="one_favourite"
            ),
        ),
        TenantTable("Favourite"),
    ]
