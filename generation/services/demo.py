"""The demo workspace: a small shop for houseplants, with its brand, audiences and briefs."""

import json
import os
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from generation import kinds
from generation.models import Audience, Brand, Brief, Content
from generation.services.briefs import brief_title, clean_fields
from generation.services.contents import content_approve
from recommendations.demo import demo_shop
from tenants.actors import Actor, acting, current_actor
from tenants.events import record
from tenants.lookups import all_workspaces
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tenants.services import workspace_create
from training.datasets.reading import Record
from training.models import Dataset
from training.services.datasets import Import, dataset_create, rows_import

SLUG = "brightleaf"
DATA = Path(__file__).parent.parent / "data"
VOICE, PIECES = DATA / "brightleaf_voice.jsonl", DATA / "brightleaf_pieces.jsonl"
EMAIL = "demo@brightleaf.example"

BRAND: dict[str, Any] = {
    "name": "Brightleaf",
    "about": (
        "Brightleaf delivers healthy houseplants to city flats, already potted, "
        "with a care plan that fits the light in each room."
    ),
    "url": "https://brightleaf.example",
    "tone": "warm, plain, a little playful",
    "do": ["Talk to one person", "Name the plant and the room", "Say what happens next"],
    "dont": ["Use exclamation marks", "Promise miracles", "Use Latin names alone"],
    "terms": ["houseplant: house plant, indoor plant", "care plan: care guide"],
    "banned": ["cheap", "guaranteed", "revolutionary"],
    "samples": [
        "Your fern likes the bathroom. We like your fern. Water it on Sundays and it will be fine.",
        "A plant that forgives you for the week you forgot. It is called a pothos.",
    ],
    "facts": [
        "Plants arrive potted within 48 hours",
        "Free replacement within 30 days",
        "A care plan comes with every plant",
        "Pots are made from recycled clay",
    ],
    "is_default": True,
}
AUDIENCES: list[dict[str, Any]] = [
    {
        "name": "First-flat renters",
        "description": "People in their first own flat who want it to feel like home.",
        "pains": ["Little light", "No time", "They have killed a plant before"],
        "goals": ["A cosy room", "Something alive that survives"],
    },
    {
        "name": "Office managers",
        "description": "People who look after a small office and its mood.",
        "pains": ["Nobody waters the plants", "Budgets are tight"],
        "goals": ["A calm office", "One bill and no work"],
    },
]
# kind, audience, fields
BRIEFS: list[tuple[str, str, dict[str, Any]]] = [
    (
        "search_ad",
        "First-flat renters",
        {
            "product": "Houseplant starter set",
            "points": [
                "three plants that forgive",
                "arrives potted within 48 hours",
                "a care plan for your light",
                "free replacement within 30 days",
            ],
            "offer": "Free delivery this week",
            "call": "shop_now",
            "keywords": ["houseplants online", "easy plants"],
            "url": "https://brightleaf.example/starter",
        },
    ),
    (
        "social_post",
        "Office managers",
        {
            "product": "Brightleaf for offices",
            "points": ["plants that need water once a month", "one bill for the whole office"],
            "call": "learn_more",
            "network": "linkedin",
        },
    ),
    (
        "product_description",
        "First-flat renters",
        {
            "product": "The bathroom fern",
            "points": ["loves steam and shade", "comes in a recycled clay pot"],
        },
    ),
    (
        "landing_hero",
        "First-flat renters",
        {
            "product": "Brightleaf",
            "points": [
                "plants chosen for the light you have",
                "potted and at your door within 48 hours",
                "a care plan with every plant",
            ],
            "call": "shop_now",
        },
    ),
]


def demo_tenant() -> Tenant | None:
    """The demo workspace, where it was made."""
    found = next((each for each in all_workspaces() if each.slug == SLUG), None)
    if found is None:
        return None
    with tenant_scope(found.id):
        return Tenant.objects.get(pk=found.id)


@transaction.atomic
def demo_create() -> Tenant:
    """Make the workspace with its owner, brand, audiences and briefs."""
    email, password = demo_login()
    owner = User.objects.filter(email=email).first() or User.objects.create_user(
        email, password, name="Robin"
    )
    tenant = workspace_create(owner=owner, name=BRAND["name"], slug=SLUG)
    with tenant_scope(tenant):
        brand = Brand.objects.create(**BRAND)
        audiences = {each["name"]: Audience.objects.create(**each) for each in AUDIENCES}
        for kind, audience, fields in BRIEFS:
            _brief(kind, fields, brand, audiences[audience], owner)
        with acting(Actor(user=owner)):
            demo_pieces()
        demo_shop()
        demo_dataset()
    return tenant


def demo_pieces() -> None:
    """An approved piece for each brief, written by hand: the library has something to show."""
    for row in _rows(PIECES):
        brief = Brief.objects.get(kind=row["kind"])
        kind, user = brief.kind_spec, current_actor().user
        content = Content(kind=kind.name, title=brief.title, brief=brief, created_by=user)
        content.add_version(text=kind.render(row["data"]), data=row["data"])
        record("content.created", content, version=content.version)
        content_approve(content=content, sha256=content.sha256)


def _rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def demo_voice() -> list[dict[str, Any]]:
    """Finished pieces in the brand's voice: kind, the brief's fields, text."""
    return [
        {
            "kind": row["kind"],
            "fields": row["fields"],
            "text": kinds.load(row["kind"]).render(row["data"]),
        }
        for row in _rows(VOICE)
    ]


def demo_dataset() -> None:
    """The brand's past copy as a dataset, ready to teach with."""
    made = dataset_create(
        name="The voice of Brightleaf",
        task=Dataset.TaskName.COPY,
        note="Product pages, posts, ads and emails that the team was happy with.",
        consent=True,
    )
    rows = [Record(line, row) for line, row in enumerate(demo_voice(), start=1)]
    columns = {name: name for name in ("kind", "fields", "text")}
    rows_import(dataset=made, records=rows, how=Import(columns, origin="demo"))


def _brief(
    kind: str, fields: dict[str, Any], brand: Brand, audience: Audience, owner: User
) -> Brief:
    """A brief that waits to be written: it has no variants yet."""
    cleaned = clean_fields(kind, fields)
    return Brief.objects.create(
        kind=kind,
        fields=cleaned,
        title=brief_title(kind, cleaned),
        brand=brand,
        audience=audience,
        created_by=owner,
    )


def demo_login() -> tuple[str, str]:
    """The demo owner's email and password; the password is made up once for each machine."""
    path = Path(settings.DATA_DIR) / "demo-password"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(9))
    return EMAIL, path.read_text().strip()
