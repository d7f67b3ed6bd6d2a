"""Jobs remember from where, and in which request, they were asked for."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0006_cost")]

    operations = [
        migrations.AddField("job", "address", models.GenericIPAddressField(blank=True, null=True)),
        migrations.AddField(
            "job",
            "request_id",
            models.CharField(blank=True, default="", max_length=40),
            preserve_default=False,
        ),
    ]
