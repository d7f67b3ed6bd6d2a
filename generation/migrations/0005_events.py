"""A content's history is read from the workspace's events; approvals name the key they came by."""

from django.db import migrations, models

from tenants.models_base import TenantForeignKey
from tenants.rls import TenantReference


class Migration(migrations.Migration):
    dependencies = [
        ("generation", "0004_variant_writer"),
        ("tenants", "0007_events_and_roles_of_keys"),
    ]

    operations = [
        migrations.AddField(
            "approval",
            "api_key",
            TenantForeignKey(
                blank=True,
                null=True,
                on_delete=models.PROTECT,
                related_name="+",
                to="tenants.apikey",
            ),
        ),
        TenantReference("Approval", "api_key"),
        migrations.DeleteModel("ContentEvent"),
    ]
