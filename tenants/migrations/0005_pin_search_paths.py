"""Functions that were made before temporary tables came last are made to look there last too."""

from django.db import migrations

from tenants.rls import PinSearchPaths


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0004_test_keys"),
    ]

    operations = [PinSearchPaths()]
