"""Active and finished jobs of a workspace by time: for the shell of every page, and the drawer."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0007_actor")]

    operations = [
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("state__in", ["queued", "running"])),
                fields=["tenant", "-created_at"],
                name="job_active",
            ),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("finished_at__isnull", False)),
                fields=["tenant", "-finished_at"],
                name="job_finished",
            ),
        ),
    ]
