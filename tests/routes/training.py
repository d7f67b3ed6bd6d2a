"""Routes of the room in which a workspace teaches its models."""

from generation.engine.echo import BASE_SHA256
from tests.routes.generation import in_scope
from tests.routes.table import Route, get, post
from training.models import ModelVersion


def make_model(number: int = 1, **values: object) -> ModelVersion:
    """A version without files."""
    fields = {
        "name": "Autumn voice",
        "sha256": f"{number:064x}",
        "base_sha256": BASE_SHA256,
        "rank": 8,
        "size": 1_000_000,
    }
    return ModelVersion.objects.create(number=number, **fields | values)


model = in_scope(lambda: {"pk": make_model().pk})

ROUTES = {
    "model-list": Route(get("viewer")),
    "model-import": Route(get("admin") | post("admin", 422)),
    "model-rollback": Route(post("admin")),
    "model-reset": Route(post("admin")),
    "model-promote": Route(post("admin"), row=model),
    "model-quarantine": Route(post("admin"), row=model),
    "model-resume": Route(post("admin"), row=model),
    "model-erase": Route(post("admin"), row=model),
}
