"""A workspace with much in it, and those who call for it: a signed-in owner and a key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generation.models import Brand, Brief, Content
    from tenants.models import Tenant, User

CONTENTS = 10_000
JOBS = 2_000
ROWS_AT_ONCE = 1_000
FIELDS = {"product": "Anvils", "points": ["They land softly"], "keywords": ["anvil"]}


@dataclass(frozen=True, slots=True)
class Workspace:
    """What calls name: the workspace's slug, ids of rows, and what says who calls."""

    slug: str
    brief: str
    content: str
    session: str
    key: str


def workspace() -> Workspace:
    """Made in the scratch database, by the app's own models and services."""
    from tenants.actors import Actor, acting
    from tenants.models import User
    from tenants.scope import tenant_scope
    from tenants.services import workspace_create

    owner = User.objects.create_user("bench@kindling.test", name="Ben Ch")
    tenant = workspace_create(owner=owner, name="Bench", slug="bench")
    with tenant_scope(tenant), acting(Actor(user=owner)):
        brief, content = fill(owner)
        return Workspace(
            tenant.slug, str(brief.pk), str(content.pk), signed_in(owner), key_of(tenant, owner)
        )


def fill(owner: User) -> tuple[Brief, Content]:
    """Brands, a brief in three variants, a library and a history of jobs; the two to look at."""
    from generation.models import Audience, Brand

    brand = Brand.objects.create(name="Acme", is_default=True)
    for number in range(9):
        Brand.objects.create(name=f"Brand {number}")
        Audience.objects.create(name=f"Audience {number}")
    contents = library(owner)
    history()
    analyze()
    return written_brief(brand), contents


def library(owner: User) -> Content:
    """Ten thousand pieces of copy in all states; the newest of them."""
    from generation.models import Content, ContentVersion

    states = Content.Status.values
    data = {"headlines": ["Anvils that land softly"], "descriptions": ["Order by noon."]}
    last = Content()
    for first in range(0, CONTENTS, ROWS_AT_ONCE):
        numbers = range(first, first + ROWS_AT_ONCE)
        made = [
            Content(
                kind="search_ad",
                title=f"Anvils that land softly {number}",
                text=f"Headline 1: Anvil {number} lands softly\nDescription 1: By noon.\n",
                data=data,
                version=1,
                status=states[number % len(states)],
                labels=["spring"] if number % 7 == 0 else [],
                created_by=owner,
            )
            for number in numbers
        ]
        Content.objects.bulk_create(made)
        ContentVersion.objects.bulk_create(
            ContentVersion(content=each, number=1, text=each.text, data=data, author=owner)
            for each in made
        )
        last = made[-1]
    return last


def history() -> None:
    """Jobs that have ended."""
    from django.utils import timezone

    from tenants.jobs.models import Job

    ended = {"state": Job.State.SUCCEEDED, "finished_at": timezone.now(), "input_sha256": "0" * 64}
    Job.objects.bulk_create(
        Job(kind="generate.variant", queue="generate", payload={"title": f"Anvils {n}"}, **ended)
        for n in range(JOBS)
    )


def written_brief(brand: Brand) -> Brief:
    """A brief whose three variants are written."""
    from generation.models import Variant
    from generation.services import brief_request
    from generation.services.briefs import check
    from tenants.jobs.models import Job
    from tenants.jobs.services import jobs_cancel

    brief = brief_request(kind="search_ad", fields=FIELDS, brand=brand)
    data = {
        "headlines": [f"Anvils that land softly {n}" for n in range(3)],
        "descriptions": ["Order by noon.", "They land softly."],
    }
    text = brief.kind_spec.render(data)
    jobs_cancel(jobs=Job.objects.active())
    for variant in brief.variants.all():
        variant.update_fields(
            {
                "state": Variant.State.READY,
                "text": text,
                "model_text": text,
                "data": data,
                "issues": check(brief, data),
                "writer": Variant.Writer.GUIDED,
            }
        )
    return brief


def signed_in(owner: User) -> str:
    """The cookie of a browser in which the owner is signed in."""
    from django.conf import settings
    from django.test import Client

    browser = Client()
    browser.force_login(owner)
    return browser.cookies[settings.SESSION_COOKIE_NAME].value


def key_of(tenant: Tenant, owner: User) -> str:
    from tenants.models import ApiKey

    scopes = ["read", "write", "generate", "approve"]
    return ApiKey.issue(name="Bench", scopes=scopes, created_by=owner)[1]


def analyze() -> None:
    """Statistics for the planner, as autovacuum would have gathered them by then."""
    from django.db import connection

    from tenants.postgres.owner import as_owner

    with as_owner(), connection.cursor() as cursor:
        cursor.execute("ANALYZE")
