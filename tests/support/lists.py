"""The routes that show lists, each with what fills it; and the routes that show none.

A row gets people, keys and rows of its own to refer to: what is looked up once for each row shows.
"""

from collections.abc import Callable
from secrets import token_hex
from typing import Any

from generation.models import (
    Approval,
    Audience,
    Batch,
    Brand,
    Brief,
    Content,
    Variant,
)
from tenants.actors import Actor, acting
from tenants.billing.models import UsageEvent
from tenants.events import record
from tenants.jobs.models import Job
from tenants.models import ApiKey, AuditEvent, Invitation, Membership, Role, User
from tests.routes.generation import LINE, TEXT
from tests.routes.training import make_model
from tests.support import recommendation_lists, training_lists
from training.models import ModelSwitch

# (how many rows) -> what the route's address names. In the scope of the workspace.
Fill = Callable[[int], dict[str, Any]]


def each(make: Callable[[], Any]) -> Fill:
    """As many rows as this makes one by one."""

    def fill(count: int) -> dict[str, Any]:
        for _ in range(count):
            make()
        return {}

    return fill


def several(*fills: Fill) -> Fill:
    def fill(count: int) -> dict[str, Any]:
        return {name: value for one in fills for name, value in one(count).items()}

    return fill


def person() -> User:
    return User.objects.create_user(f"{token_hex(8)}@lists.test", name="Somebody")


def key() -> ApiKey:
    return ApiKey.issue(name="Site", scopes=["read"], created_by=person())[0]


def job(**values: Any) -> Job:
    fields = {"kind": "generate.variant", "input_sha256": "0" * 64, "payload": {"title": "Anvils"}}
    return Job.objects.create(created_by=person(), api_key=key(), **fields | values)


def brand() -> Brand:
    return Brand.objects.create(name=token_hex(8))


def audience() -> Audience:
    return Audience.objects.create(name=token_hex(8))


def brief(batch: Batch | None = None) -> Brief:
    return Brief.objects.create(
        kind="note",
        title="Anvils",
        fields={"topic": "Anvils", "tags": []},
        brand=brand(),
        audience=audience(),
        batch=batch,
        created_by=person(),
        api_key=key(),
    )


def variant(of: Brief | None = None, number: int = 1, state: str = "ready") -> Variant:
    texts = {"text": TEXT, "model_text": TEXT, "data": LINE} if state == "ready" else {}
    asked = of or brief()
    made = {"brief": asked, "number": number, "state": state, "job": job()}
    return Variant.objects.create(**made, **texts)


def content(status: str = "draft") -> Content:
    source = variant()
    made = Content(kind="note", title="Anvils", brief=source.brief, variant=source, status=status)
    made.created_by = person()
    with acting(Actor(user=person())):
        made.add_version(text=TEXT, data=LINE)
    Approval.objects.create(
        content=made, version=1, sha256=made.sha256, approved_by=person(), voided_by=None
    )
    return made


def member() -> Membership:
    return Membership.objects.create(user=person(), role=Role.VIEWER)


def invitation() -> Invitation:
    made = Invitation(email=f"{token_hex(8)}@lists.test", invited_by=person())
    made.renew()
    return made


def audit_event() -> AuditEvent:
    with acting(Actor(user=person(), api_key=key())):
        return record("workspace.renamed")


def usage_event() -> UsageEvent:
    asked = job()
    return UsageEvent.objects.create(
        source="job", source_id=str(asked.pk), kind=asked.kind, amount=10
    )


def models(count: int) -> dict[str, Any]:
    before: ModelSwitch | None = None
    for number in range(1, count + 1):
        version = make_model(number, created_by=person(), api_key=key())
        before = ModelSwitch.objects.create(
            number=number, version=version, back=before, created_by=person(), api_key=key()
        )
    return {}


def variants_of_brief(count: int) -> dict[str, Any]:
    asked = brief()
    for number in range(1, min(count, 8) + 1):
        variant(asked, number)
    return {"pk": asked.pk}


def briefs_of_batch(count: int) -> dict[str, Any]:
    batch = Batch.objects.create(name="a.csv", kind="note", rows=count, created_by=person())
    batch.errors = [{"row": n, "field": "topic", "message": "Too long."} for n in range(count)]
    batch.save()
    for _ in range(count):
        asked = brief(batch)
        for number, state in enumerate(("ready", "queued", "failed"), 1):
            variant(asked, number, state)
    return {"pk": batch.pk}


def history_of_content(count: int) -> dict[str, Any]:
    made = content()
    for _ in range(count):
        with acting(Actor(user=person(), api_key=key())):
            made.add_version(text=TEXT, data=LINE)
            record("content.edited", made, version=made.version)
    return {"pk": made.pk}


batches = each(lambda: Batch.objects.create(name="a.csv", kind="note", created_by=person()))
contents = several(each(content), each(lambda: content("in_review")))
written_now = each(lambda: variant(state="writing"))

LISTS: dict[str, Fill] = {
    **recommendation_lists.LISTS,
    **training_lists.LISTS,
    "home": several(contents, written_now, each(brief)),
    "write": each(brief),
    "brief-new": several(each(brand), each(audience), lambda count: {"kind": "note"}),
    "brief": variants_of_brief,
    "batch-new": several(batches, each(brand), each(audience)),
    "batch": briefs_of_batch,
    "batch-errors": briefs_of_batch,
    "library": contents,
    "content": history_of_content,
    "brand-list": each(brand),
    "audience-list": each(audience),
    "team": several(each(member), each(invitation)),
    "api-keys": each(key),
    "audit": each(audit_event),
    "audit-csv": each(audit_event),
    "job-list": each(job),
    "job-drawer": each(job),
    "usage": each(usage_event),
    "usage-csv": each(usage_event),
    "model-list": models,
    "api-brand-list": each(brand),
    "api-audience-list": each(audience),
    "api-brief-list": each(variant),
    "api-brief-detail": variants_of_brief,
    "api-variant-list": each(variant),
    "api-content-list": contents,
    "api-content-versions": history_of_content,
    "api-model-list": models,
    "api-job-list": each(job),
    "api-usage-list": each(usage_event),
    "openai-models": models,
}

NO_LISTS = {
    *("api-experiment-detail", "api-item-detail", "api-person-detail", "api-ranking-model-detail"),
    *("api-scenario-detail", "recommend-import", "recommend-item", "recommend-scenario-new"),
    *("api-balance", "api-prices", "api-usage-detail"),
    *("api-dataset-sources", "api-model-comparison", "api-model-policy", "api-model-aliases"),
    *("api-dataset-detail", "api-training-run-detail", "dataset-new", "dataset-import"),
    *("training-run", "training-run-new", "model", "model-card"),
    *("openai-other", "api-experiment-results", "recommend-experiment", "recommend-quality"),
    *("api-audience-detail", "api-brand-detail", "api-content-detail", "api-content-export"),
    *("api-endpoint", "api-job-detail", "api-job-stream", "api-kind", "api-kind-list"),
    *("api-me", "api-workspace"),
    *("api-model-detail", "api-schema", "api-variant-detail", "audience-edit", "audience-new"),
    # A search and a preview show a few, however many there are.
    *("batch-columns", "developers", "search"),
    *("batch-progress", "batch-template", "brand-edit", "brand-new", "brief-stream"),
    *(
        "content-export",
        "content-version",
        "job-status",
        "job-stream",
        "model-import",
        "model-server",
    ),
    *("openai-file", "openai-file-content", "openai-job", "openai-job-checkpoints"),
    *("openai-model", "settings-general", "variant", "variant-diff", "variant-edit"),
}
