"""What lists read: an index for each order and for what is unfinished, and the text index."""

from django.db import migrations, models

from generation import search
from tenants.rls import DispatchFunction


class Migration(migrations.Migration):
    dependencies = [("generation", "0005_events")]

    operations = [
        migrations.RemoveIndex("content", "content_newest"),
        migrations.AddIndex(
            "content",
            models.Index(
                fields=["tenant", "-updated_at", "-id"],
                condition=models.Q(archived_at=None),
                name="content_live",
            ),
        ),
        migrations.AddIndex(
            "content",
            models.Index(
                fields=["tenant", "status", "updated_at"],
                condition=models.Q(archived_at=None),
                name="content_by_status",
            ),
        ),
        migrations.AddIndex(
            "content", models.Index(fields=["tenant", "-created_at", "-id"], name="content_newest")
        ),
        migrations.AddIndex(
            "variant",
            models.Index(
                fields=["tenant", "brief"],
                condition=models.Q(state__in=["queued", "writing"]),
                name="variant_unfinished",
            ),
        ),
        migrations.RunSQL(search.WORDS, "DROP FUNCTION public.search_words"),
        migrations.RunSQL(search.ENTRIES, "DROP FUNCTION public.content_entries"),
        migrations.RunSQL(search.INDEX, "DROP INDEX content_words"),
        DispatchFunction(search.SIGNATURE, search.FOUND, reads=search.READS),
    ]
