"""Row-level security for the studio's tables, and the index by which texts are found."""

from django.db import migrations

from generation import search
from tenants.rls import DispatchFunction, TenantTable

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
    "Endpoint",
)


class Migration(migrations.Migration):
    dependencies = [
        ("generation", "0001_initial"),
        ("tenants", "0002_isolation"),
        ("jobs", "0002_isolation"),
    ]

    operations = [
        *(TenantTable(model) for model in TABLES),
        migrations.RunSQL(search.FOLD, "DROP FUNCTION public.search_fold"),
        migrations.RunSQL(search.WORDS, "DROP FUNCTION public.search_words"),
        migrations.RunSQL(search.ENTRIES, "DROP FUNCTION public.content_entries"),
        migrations.RunSQL(search.INDEX, "DROP INDEX content_words"),
        DispatchFunction(search.SIGNATURE, search.FOUND, reads=search.READS),
    ]
