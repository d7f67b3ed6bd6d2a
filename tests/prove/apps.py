"""The proofs' own kinds of job, and their worker for copy."""

from django.apps import AppConfig

TOKENS = ("prompt_tokens", "completion_tokens")


class ProveConfig(AppConfig):
    name = "tests.prove"
    label = "prove"

    def ready(self) -> None:
        from tenants.jobs.registry import JobKind, register, register_worker

        for name in ("steps", "stubborn", "suicide", "flaky"):
            handler = f"tests.prove.kinds.{name}"
            register(JobKind(name=f"generate.{name}", label=name, handler=handler, meters=TOKENS))
        register_worker("generate", "tests.prove.copywriters.run")
