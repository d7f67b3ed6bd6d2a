"""The kinds of job that write copy and answer the API."""

from django.utils.translation import gettext_lazy as _

from generation.presentation.failures import USER_MESSAGES
from tenants.jobs.registry import JobKind

WRITE = "generate.variant"
CHAT = "generate.chat"
QUEUE = "generate"
EMBED = "generate.embed"
# What turns texts into vectors, and how many numbers a vector has.
ENCODERS = {"all-minilm-l6-v2": 384}
TOKENS = ("prompt_tokens", "completion_tokens")
VARIANT = JobKind(
    name=WRITE,
    label=_("Writing copy"),
    queue=QUEUE,
    handler="generation.serving.handlers.write_variant",
    page="brief",
    meters=TOKENS,
    tags=("variant",),
    messages=USER_MESSAGES,
)
COMPLETION = JobKind(
    name=CHAT,
    label=_("Completion by API"),
    queue=QUEUE,
    handler="generation.serving.handlers.answer_chat",
    meters=TOKENS,
    forgotten=True,
)
EMBEDDING = JobKind(
    name=EMBED,
    label=_("Vectors by API"),
    queue="score",
    handler="generation.serving.embeddings.embed",
    meters=("embedded_tokens",),
)
