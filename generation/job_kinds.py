"""The names of the studio's jobs, their queue, and the topic on which each one's text streams."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from generation.failures import PLAIN
from tenants.jobs.registry import JobKind

WRITE = "generate.variant"
CHAT = "generate.chat"
QUEUE = "generate"
VARIANT = JobKind(
    name=WRITE,
    label=_("Writing copy"),
    queue=QUEUE,
    handler="generation.works.variant_work",
    page="brief",
    tags=("variant",),
    messages=PLAIN,
)
COMPLETION = JobKind(
    name=CHAT,
    label=_("Completion by API"),
    queue=QUEUE,
    handler="generation.works.chat_work",
)


def topic(job_id: UUID, payload: dict[str, Any]) -> str:
    """The variants of a brief share its topic; a chat has one of its own."""
    return payload.get("topic") or f"job:{job_id}"


def label(job_id: UUID, payload: dict[str, Any]) -> dict[str, Any]:
    """What every event of a job carries, so that readers can tell a topic's texts apart."""
    variant = payload.get("variant")
    return {"variant": variant, "job": str(job_id)} if variant else {}
