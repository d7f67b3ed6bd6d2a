"""How a content's text was written stands with it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generation", "0002_isolation")]

    operations = [
        migrations.AddField(
            "content",
            "writer",
            models.CharField(
                blank=True,
                choices=[
                    ("direct", "Written as a whole, then checked"),
                    ("guided", "Guided line by line"),
                ],
                default="",
                max_length=10,
            ),
            preserve_default=False,
        )
    ]
