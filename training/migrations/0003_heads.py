"""What a model is for, what it was taught with, and heads that are live for their dataset."""

import django.db.models.deletion
from django.db import migrations, models

import tenants.models_base
from tenants.rls import TenantReference

REFERENCES = (
    ("ModelVersion", "dataset"),
    ("ModelVersion", "dataset_version"),
    ("ModelVersion", "parent"),
    ("ModelSwitch", "dataset"),
)


class Migration(migrations.Migration):
    dependencies = [
        ("training", "0002_isolation"),
    ]

    operations = [
        migrations.AddField(
            model_name="modelswitch",
            name="dataset",
            field=tenants.models_base.TenantForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="switches",
                to="training.dataset",
            ),
        ),
        migrations.AddField(
            model_name="modelversion",
            name="dataset",
            field=tenants.models_base.TenantForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="model_versions",
                to="training.dataset",
            ),
        ),
        migrations.AddField(
            model_name="modelversion",
            name="dataset_version",
            field=tenants.models_base.TenantForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="model_versions",
                to="training.datasetversion",
            ),
        ),
        migrations.AddField(
            model_name="modelversion",
            name="method",
            field=models.CharField(default="lora", max_length=20),
        ),
        migrations.AddField(
            model_name="modelversion",
            name="parent",
            field=tenants.models_base.TenantForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="children",
                to="training.modelversion",
            ),
        ),
        migrations.AddField(
            model_name="modelversion",
            name="task",
            field=models.CharField(
                choices=[
                    ("writing", "Writes"),
                    ("classification", "Sorts texts"),
                    ("extraction", "Finds things in texts"),
                ],
                default="writing",
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="modelversion",
            name="rank",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        *(TenantReference(model, field) for model, field in REFERENCES),
    ]
