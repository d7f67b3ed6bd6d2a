"""The generation app: the studio and what it writes."""

from django.apps import AppConfig


class GenerationConfig(AppConfig):
    name = "generation"

    def ready(self) -> None:
        from generation import base, receivers  # noqa: F401  (the receivers connect themselves)
        from training import base_model

        base_model.provide(base.current)
