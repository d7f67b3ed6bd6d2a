"""The training app: what a workspace's copy is written with."""

from django.apps import AppConfig


class TrainingConfig(AppConfig):
    name = "training"
