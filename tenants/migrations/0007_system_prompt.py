"""What a workspace tells the model before each conversation of /v1."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0006_time_zone")]

    operations = [
        migrations.AddField(
            model_name="tenant",
            name="system_prompt",
            field=models.TextField(
                blank=True,
                db_default="",
                default="",
                max_length=4000,
                verbose_name="system prompt",
            ),
        ),
    ]
