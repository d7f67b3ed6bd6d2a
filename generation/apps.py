"""The generation app: the studio and what it writes."""

from django.apps import AppConfig


class GenerationConfig(AppConfig):
    name = "generation"

    def ready(self) -> None:
        from generation import base, job_kinds, receivers  # noqa: F401  (receivers connect)
        from tenants.jobs.registry import register, register_worker
        from training import base_model

        base_model.provide(base.current)
        register(job_kinds.VARIANT)
        register(job_kinds.COMPLETION)
        register_worker(job_kinds.QUEUE, "generation.pump.run")
