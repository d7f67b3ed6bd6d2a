"""What each job was charged."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0005_weights")]

    operations = [
        migrations.AddField(
            model_name="job",
            name="cost",
            field=models.BigIntegerField(blank=True, null=True),
        ),
    ]
