"""The time zone in which a workspace's portal writes times."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0005_pin_search_paths")]

    operations = [
        migrations.AddField(
            model_name="tenant",
            name="time_zone",
            field=models.CharField(
                db_default="UTC", default="UTC", max_length=64, verbose_name="time zone"
            ),
        ),
    ]
