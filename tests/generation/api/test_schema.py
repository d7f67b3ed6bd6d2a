"""Every operation of the API's description is visited once with success, and keeps its word."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from django.core.management import call_command
from django.test import Client

from generation.models import Brand
from recommendations.models import RankingModel
from saas.api.views import described
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tests.routes.recommendations import make_model
from tests.support.api import key_for
from tests.support.live import working
from tests.training.adapters import config, weights
from tests.training.serving.conftest import predictor, sorter, sorter_folder, toy, toy_encoder
from training.models import ModelVersion
from training.serving.predictor import Predictor

__all__ = ["predictor", "sorter", "sorter_folder", "toy", "toy_encoder"]
pytestmark = pytest.mark.django_db(transaction=True)

API = "/api/v1"
AD = {"kind": "search_ad", "fields": {"product": "Anvils", "points": ["Heavy"]}, "variants": 1}
CHAT = {"model": "echo", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 8}


class Tour:
    """Calls operations and holds each answer against the description."""

    def __init__(self, server: str, secret: str) -> None:
        self.schema = schemathesis.openapi.from_dict(described("en"))
        headers = {"Authorization": f"Bearer {secret}"}
        self.http = httpx.Client(base_url=server, headers=headers, timeout=60)
        self.visited: set[tuple[str, str]] = set()
        self.count = 0

    def __call__(self, method: str, path: str, ids: Any = None, **options: Any) -> Any:
        """One call, by the path as the description spells it; the answer's JSON."""
        self.count += 1
        headers = options.pop("headers", {})
        if method == "POST":
            headers["Idempotency-Key"] = f"tour-{self.count}"
        url = path.format(**(ids or {}))
        asked = self.http.build_request(method, url, headers=headers, **options)
        asked.read()  # a form with files is otherwise gone once it was sent
        answer = self.http.send(asked)
        assert answer.is_success, (method, path, answer.status_code, answer.text)
        self.schema[path][method].validate_response(answer)
        self.visited.add((method, path))
        plain = answer.headers.get("content-type", "").startswith("application/json")
        return answer.json() if plain and answer.content else answer

    def operations(self) -> set[tuple[str, str]]:
        paths = described("en")["paths"]
        return {(method.upper(), path) for path, each in paths.items() for method in each}


@pytest.fixture
def tour(server: str, acme: Tenant, alice: User) -> Iterator[Tour]:
    visits = Tour(server, key_for(acme, by=alice))
    with working():
        yield visits
    visits.http.close()


def visit_collection(tour: Tour, name: str, body: dict[str, Any]) -> None:
    tour("GET", f"{API}/{name}/")
    made = tour("POST", f"{API}/{name}/", json=body)
    ids = {"id": made["id"]}
    tour("GET", f"{API}/{name}/{{id}}/", ids)
    tour("PATCH", f"{API}/{name}/{{id}}/", ids, json={"name": "Other"})
    tour("DELETE", f"{API}/{name}/{{id}}/", ids)


def visit_writing(tour: Tour, brand: Brand) -> str:
    """Order, retry, stop, edit and pick; the content's id."""
    brief = tour("POST", f"{API}/briefs/", json=AD | {"brand": str(brand.pk)})
    ids = {"id": brief["id"]}
    tour("GET", f"{API}/briefs/")
    tour("GET", f"{API}/briefs/{{id}}/", ids)
    tour("POST", f"{API}/briefs/{{id}}/variants/", ids, json={"count": 1})
    many = tour("POST", f"{API}/briefs/bulk/", json={"briefs": [AD | {"brand": str(brand.pk)}]})
    other = {"id": many["data"][0]["id"]}
    job = {"id": many["data"][0]["variants"][0]["job"]}
    assert tour("GET", f"{API}/jobs/{{id}}/", job, params={"wait": 30})["state"] == "succeeded"
    tour("PATCH", f"{API}/briefs/{{id}}/", other, json={"language": "en"})
    tour("DELETE", f"{API}/briefs/{{id}}/", other)
    first = brief["variants"][0]
    tour("GET", f"{API}/jobs/{{id}}/stream/", {"id": first["job"]})
    tour("GET", f"{API}/jobs/")
    tour("GET", f"{API}/jobs/{{id}}/", {"id": first["job"]})
    tour("POST", f"{API}/jobs/{{id}}/cancel/", {"id": first["job"]})
    variant = {"id": first["id"]}
    tour("GET", f"{API}/variants/")
    tour("GET", f"{API}/variants/{{id}}/", variant)
    tour("PATCH", f"{API}/variants/{{id}}/", variant, json={"rating": 1})
    content: str = tour("POST", f"{API}/variants/{{id}}/pick/", variant)["id"]
    tour("POST", f"{API}/variants/{{id}}/retry/", variant)
    tour("POST", f"{API}/variants/{{id}}/stop/", variant)
    return content


def visit_library(tour: Tour, content: str) -> None:
    ids = {"id": content}
    at = f"{API}/contents/{{id}}"
    tour("GET", f"{API}/contents/")
    text = tour("GET", f"{at}/", ids)["text"]
    change = {"text": f"{text}\nMore", "labels": ["spring"]}
    sha256 = tour("PATCH", f"{at}/", ids, json=change, headers={"If-Match": "*"})["sha256"]
    tour("GET", f"{at}/versions/", ids)
    tour("POST", f"{at}/submit/", ids, json={})
    tour("POST", f"{at}/return/", ids, json={"comment": "Shorter"})
    tour("POST", f"{at}/approve/", ids, json={"sha256": sha256})
    tour("POST", f"{at}/publish/", ids)
    tour("POST", f"{at}/restore/", ids, json={"version": 1})
    tour("POST", f"{at}/archive/", ids)
    tour("POST", f"{at}/unarchive/", ids)
    for name in ("markdown", "html", "csv", "json"):
        tour("GET", f"{at}/export/", ids, params={"as": name})
    own = tour("POST", f"{API}/contents/", json={"kind": "social_post", "text": "Anvils."})
    tour("DELETE", f"{at}/", {"id": own["id"]})


def visit_models(tour: Tour) -> None:
    """Bring two, switch to and fro, hold one and delete the other."""
    tour("GET", f"{API}/models/")
    first, second = (
        tour(
            "POST",
            f"{API}/models/",
            data={"name": "Autumn voice"},
            files={
                "weights": ("adapter_model.safetensors", weights(seed=seed)),
                "config": ("adapter_config.json", config()),
            },
        )["id"]
        for seed in (0, 1)
    )
    at, ids = f"{API}/models/{{id}}", {"id": first}
    assert tour("POST", f"{at}/promote/", ids, json={"reason": "It reads well"})["live"]
    assert tour("POST", f"{API}/models/rollback/")["version"] is None
    tour("POST", f"{at}/alias/", ids, json={"name": "challenger", "share": 20})
    tour("GET", f"{API}/models/aliases/")
    assert tour("GET", f"{API}/models/comparison/")["share"] == 20
    tour("POST", f"{API}/models/aliases/remove/", json={"name": "challenger"})
    tour("PATCH", f"{API}/models/policy/", json={"confidence": 90})
    assert tour("GET", f"{API}/models/policy/") == {"confidence": 90}
    assert tour("POST", f"{API}/models/reset/")["stepped_back"]
    tour("POST", f"{at}/quarantine/", ids)
    assert tour("POST", f"{at}/resume/", ids)["state"] == "active"
    tour("GET", f"{at}/", ids)
    tour("DELETE", f"{at}/", {"id": second})


def visit_billing(tour: Tour) -> None:
    tour("GET", f"{API}/balance/")
    tour("GET", f"{API}/prices/")
    used = tour("GET", f"{API}/usage/")["data"]
    tour("GET", f"{API}/usage/{{id}}/", {"id": used[0]["id"]})


def visit_catalogue(tour: Tour) -> None:
    for name, key in (("items", "pot"), ("persons", "ann")):
        ids = {"key": key}
        tour("POST", f"{API}/{name}/", json={"id": key})
        tour("GET", f"{API}/{name}/")
        tour("GET", f"{API}/{name}/{{key}}/", ids)
        tour("PATCH", f"{API}/{name}/{{key}}/", ids, json={})
    tour("POST", f"{API}/persons/", json={"id": "ben"})
    tour("POST", f"{API}/persons/{{key}}/merge/", {"key": "ben"}, json={"into": "ann"})
    tour("POST", f"{API}/interactions/", json={"person": "ann", "item": "pot", "type": "click"})
    tour("POST", f"{API}/items/imports/", files={"file": ("items.csv", b"id\nbowl\n")})
    rows = b"person,item,type\nann,pot,click\n"
    tour("POST", f"{API}/interactions/imports/", files={"file": ("events.csv", rows)})


def visit_scenarios(tour: Tour) -> None:
    ids = {"key": "end"}
    tour("POST", f"{API}/scenarios/", json={"id": "end", "name": "End"})
    tour("GET", f"{API}/scenarios/")
    tour("GET", f"{API}/scenarios/{{key}}/", ids)
    tour("PATCH", f"{API}/scenarios/{{key}}/", ids, json={"settings": {"diversity": 0.5}})
    tour("POST", f"{API}/scenarios/{{key}}/undo/", ids)
    arms = [{"name": name, "share": 50} for name in ("as before", "new")]
    asked = {"scenario": "end", "name": "Two", "arms": arms}
    experiment = {"id": tour("POST", f"{API}/experiments/", json=asked)["id"]}
    tour("GET", f"{API}/experiments/")
    tour("GET", f"{API}/experiments/{{id}}/", experiment)
    tour("GET", f"{API}/experiments/{{id}}/results/", experiment)
    tour("POST", f"{API}/experiments/{{id}}/stop/", experiment)
    tour("DELETE", f"{API}/scenarios/{{key}}/", ids)


def visit_recommendations(tour: Tour, model: RankingModel) -> None:
    """A catalogue, scenarios, an answer and its next page."""
    visit_catalogue(tour)
    visit_scenarios(tour)
    answer = tour("POST", f"{API}/recommendations/", json={"person": "ann"})
    following = {"recomm_id": answer["recomm_id"]}
    tour("POST", f"{API}/recommendations/{{recomm_id}}/next/", following, json={})
    at = f"{API}/recommendations"
    tour("POST", f"{at}/persons/", json={"item": "pot"})
    tour("POST", f"{at}/segments/", json={"person": "ann"})
    tour("POST", f"{at}/search/", json={"person": "ann", "query": "pot"})
    for key in ("calm", "loud"):
        tour("POST", f"{API}/items/", json={"id": key, "variant_of": "ad"})
    tour("POST", f"{at}/variant/", json={"variant_of": "ad", "session": "one"})
    tour("GET", f"{at}/variants/{{key}}/", {"key": "ad"})
    tour("GET", f"{API}/ranking-models/")
    tour("GET", f"{API}/ranking-models/{{id}}/", {"id": str(model.pk)})
    tour("DELETE", f"{API}/items/{{key}}/", {"key": "pot"})
    tour("DELETE", f"{API}/persons/{{key}}/", {"key": "ann"})


def visit_training(tour: Tour) -> None:
    """Rows by JSON and by file, a version, a run that is stopped."""
    made = tour("POST", f"{API}/datasets/", json={"name": "Posts", "task": "chat"})
    at, ids = f"{API}/datasets/{{id}}", {"id": made["id"]}
    unused = tour("POST", f"{API}/datasets/", json={"name": "Old posts", "task": "chat"})
    rows = [{"prompt": f"Pot {n}?", "answer": f"It holds {n} litres."} for n in range(12)]
    tour("GET", f"{API}/datasets/")
    tour("GET", f"{at}/", ids)
    tour("PATCH", f"{at}/", ids, json={"note": "Ours"})
    assert tour("POST", f"{at}/rows/", ids, json={"rows": rows})["accepted"] == 12
    tour("GET", f"{at}/rows/", ids)
    tour("POST", f"{at}/imports/", ids, files={"file": ("rows.csv", b"prompt,answer\na,b\n")})
    tour("POST", f"{at}/versions/", ids)
    tour("GET", f"{at}/versions/", ids)
    tour("POST", f"{API}/training-runs/estimate/", json={"dataset": made["id"]})
    run = {"id": tour("POST", f"{API}/training-runs/", json={"dataset": made["id"]})["id"]}
    tour("GET", f"{API}/training-runs/")
    tour("GET", f"{API}/training-runs/{{id}}/", run)
    tour("POST", f"{API}/training-runs/{{id}}/pause/", run)
    tour("POST", f"{API}/training-runs/{{id}}/resume/", run)
    tour("GET", f"{API}/training-runs/{{id}}/events/", run)
    tour("POST", f"{API}/training-runs/{{id}}/cancel/", run)
    copy = tour("POST", f"{API}/datasets/", json={"name": "Copy", "task": "copy"})
    tour("GET", f"{at}/sources/", {"id": copy["id"]})
    tour("POST", f"{at}/sources/", {"id": copy["id"]}, json={"source": "approved"})
    tour("DELETE", f"{at}/", {"id": unused["id"]})


def visit_head(tour: Tour, head: ModelVersion) -> None:
    ids = {"id": str(head.pk)}
    asked = {"text": "the desk was lovely", "explain": True}
    tour("POST", f"{API}/models/{{id}}/predict/", ids, json=asked)


def visit_fine_tuning(tour: Tour) -> None:
    """A file, a job that pauses, goes on and is cancelled, as OpenAI's clients ask."""
    line = {
        "messages": [{"role": "user", "content": "Pot?"}, {"role": "assistant", "content": "4"}]
    }
    sent = {"file": ("rows.jsonl", json.dumps(line).encode())}
    file = tour("POST", "/v1/files", data={"purpose": "fine-tune"}, files=sent)["id"]
    tour("GET", "/v1/files")
    tour("GET", "/v1/files/{id}", {"id": file})
    tour("GET", "/v1/files/{id}/content", {"id": file})
    order = {"model": "echo", "training_file": file, "suffix": "pots"}
    ids = {"id": tour("POST", "/v1/fine_tuning/jobs", json=order)["id"]}
    at = "/v1/fine_tuning/jobs/{id}"
    tour("GET", "/v1/fine_tuning/jobs")
    tour("GET", at, ids)
    tour("POST", f"{at}/pause", ids)
    tour("POST", f"{at}/resume", ids)
    tour("GET", f"{at}/events", ids)
    tour("GET", f"{at}/checkpoints", ids)
    tour("POST", f"{at}/cancel", ids)
    tour("DELETE", "/v1/files/{id}", {"id": file})


@pytest.fixture
def ranking_model(acme: Tenant) -> RankingModel:
    with tenant_scope(acme):
        return make_model()


def test_every_operation_succeeds_and_keeps_its_word(
    tour: Tour,
    brand: Brand,
    ranking_model: RankingModel,
    sorter: ModelVersion,
    predictor: Predictor,
) -> None:
    visit_collection(tour, "brands", {"name": "Lumen"})
    visit_collection(tour, "audiences", {"name": "Readers"})
    tour("GET", f"{API}/me/")
    tour("GET", f"{API}/workspace/")
    tour("PATCH", f"{API}/workspace/", json={"system_prompt": "Be brief."})
    tour("GET", f"{API}/kinds/")
    tour("GET", f"{API}/kinds/{{name}}/", {"name": "article"})
    visit_library(tour, visit_writing(tour, brand))
    tour("PUT", f"{API}/endpoint/", json={"base_url": "https://8.8.8.8/v1", "model": "m"})
    tour("GET", f"{API}/endpoint/")
    tour("DELETE", f"{API}/endpoint/")
    visit_models(tour)
    visit_billing(tour)
    visit_recommendations(tour, ranking_model)
    visit_training(tour)
    visit_head(tour, sorter)
    visit_fine_tuning(tour)
    tour("GET", "/v1/models")
    tour("GET", "/v1/models/{name}", {"name": "echo"})
    tour("POST", "/v1/chat/completions", json=CHAT)
    tour("POST", "/v1/chat/completions", json=CHAT | {"stream": True})
    tour("POST", "/v1/completions", json={"model": "echo", "prompt": "Hello"})
    tour("POST", "/v1/responses", json={"model": "echo", "input": "Hello"})
    tour("POST", f"{API}/check/", json={"text": "Good tea."})
    # Vectors are made by a worker with an encoder, which this server has not.
    assert tour.visited == tour.operations() - {("POST", "/v1/embeddings")}


def test_the_description_is_clean(tmp_path: Any) -> None:
    call_command(
        "spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml")
    )


def test_anybody_may_read_the_description(client: Client) -> None:
    answer = client.get("/api/v1/schema/")
    assert json.loads(answer.content)["openapi"].startswith("3.1")
    assert client.get("/api/v1/schema/?format=yaml").content.startswith(b"openapi: 3.1")
    page = client.get("/api/docs/").content.decode()
    assert "/api/v1/schema/" in page
    assert not re.search(r'(src|href)="(https?:)?//', page), "nothing comes from elsewhere"
