"""Events name their subject; service accounts' keys have a role; keys may approve."""

import django.contrib.postgres.fields
from django.conf import settings
from django.db import migrations, models

ROLES = [("owner", "Owner"), ("admin", "Admin"), ("editor", "Editor"), ("viewer", "Viewer")]
SCOPES = [
    ("read", "Read"),
    ("write", "Write"),
    ("generate", "Generate"),
    ("approve", "Approve and publish"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0006_search_path"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RenameField("auditevent", "action", "name"),
        migrations.RenameField("auditevent", "actor", "user"),
        migrations.RenameField("auditevent", "target", "subject_label"),
        migrations.RenameField("auditevent", "details", "data"),
        migrations.AddField(
            "auditevent",
            "subject_type",
            models.CharField(blank=True, default="", max_length=60),
            False,
        ),
        migrations.AddField(
            "auditevent",
            "subject_id",
            models.CharField(blank=True, default="", max_length=40),
            False,
        ),
        migrations.AddIndex(
            "auditevent",
            models.Index(fields=["tenant", "subject_id", "-created_at"], name="audit_subject"),
        ),
        migrations.AddField(
            "apikey",
            "role",
            models.CharField(
                blank=True, choices=ROLES, default="", max_length=10, verbose_name="role"
            ),
            False,
        ),
        migrations.AlterField(
            "apikey",
            "scopes",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(choices=SCOPES, max_length=12),
                size=None,
                verbose_name="scopes",
            ),
        ),
    ]
