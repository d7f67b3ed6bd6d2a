"""The generation app: the studio and what it writes."""

from django.apps import AppConfig


class GenerationConfig(AppConfig):
    name = "generation"

    def ready(self) -> None:
        from generation import receivers  # noqa: F401  (connects them)
