"""Routes of the recommender: its room in the portal, and its API by the scope of a key."""

from recommendations.models import Item, Person, RankingModel, Recommendation, Scenario
from recommendations.services.catalogue import ItemData, items_write, persons_write
from recommendations.services.experiments import experiment_start
from recommendations.services.keys import public_key_issue
from recommendations.services.scenarios import scenario_save
from recommendations.serving.settings import ScenarioSettings
from tenants.actors import Actor, acting
from tenants.jobs.models import Job
from tenants.models import ApiKey, Tenant, User
from tenants.scope import tenant_scope
from tests.routes.generation import in_scope
from tests.routes.table import Route, delete, get, patch, post, post_form, put


def make_item() -> Item:
    items_write(items=[ItemData("fern", {"title": "Fern"})])
    return Item.objects.get(key="fern")


def make_variant() -> Item:
    items_write(items=[ItemData("calm", {"title": "Calm", "variant_of": "ad"})])
    return Item.objects.get(key="calm")


def make_person() -> Person:
    persons_write(persons={"ann": {}})
    return Person.objects.get(key="ann")


def make_scenario() -> Scenario:
    made = Scenario(key="home", name="Home")
    scenario_save(scenario=made, settings=ScenarioSettings())
    return scenario_save(scenario=made, settings=ScenarioSettings(diversity=0.5))


def make_experiment() -> object:
    arms = [{"name": name, "share": 50, "settings": {}} for name in ("a", "b")]
    return experiment_start(scenario=make_scenario(), name="Two", arms=arms)


def make_model() -> RankingModel:
    state = RankingModel.State.RETIRED
    return RankingModel.objects.create(number=1, state=state, sha256="0" * 64, items=1, events=1)


item = in_scope(lambda: {"pk": make_item().pk})
person = in_scope(lambda: {"pk": make_person().pk})
scenario = in_scope(lambda: {"pk": make_scenario().pk})
variant = in_scope(lambda: {"key": make_variant().variant_of})
item_key = in_scope(lambda: {"key": make_item().key})
person_key = in_scope(lambda: {"key": make_person().key})
scenario_key = in_scope(lambda: {"key": make_scenario().key})
experiment = in_scope(lambda: {"pk": make_experiment().pk})  # type: ignore[attr-defined]
model = in_scope(lambda: {"pk": make_model().pk})
read_file = in_scope(
    lambda: {"pk": Job.objects.create(kind="recommend.import", input_sha256="0" * 64).pk}
)
answer = in_scope(lambda: {"recomm_id": Recommendation.objects.create().pk})


def make_public_key(owner: User) -> ApiKey:
    with acting(Actor(user=owner)):
        return public_key_issue(name="Site", origins=["https://shop.example"])


def public_key(tenant: Tenant, owner: User) -> dict[str, object]:
    with tenant_scope(tenant):
        return {"pk": make_public_key(owner).pk}


EVENT = {"person": "ann", "item": "fern", "type": "click"}
FORM = {"name": "End", "diversity": 1, "rotation_rate": 0, "min_relevance": 0, "exploration": 0}

ROUTES = {
    "recommend": Route(get("viewer")),
    "recommend-fit": Route(post("editor")),
    "recommend-items": Route(get("viewer")),
    "recommend-item": Route(get("viewer"), row=item),
    "recommend-item-hide": Route(post("editor"), row=item),
    "recommend-people": Route(get("viewer")),
    "recommend-person": Route(get("viewer"), row=person),
    "recommend-person-forget": Route(post("admin"), row=person),
    "recommend-imports": Route(get("viewer")),
    "recommend-import": Route(get("editor") | post("editor", 422), kwargs={"what": "items"}),
    "recommend-import-errors": Route(get("viewer"), row=read_file),
    "recommend-connect": Route(get("viewer")),
    "recommend-public-key": Route(post("admin", name="Site", origins="https://a.example")),
    "recommend-token": Route(post("admin", 200, name="Backend")),
    "recommend-key-revoke": Route(post("admin"), row=public_key),
    "recommend-experiments": Route(get("viewer")),
    "recommend-experiment-new": Route(get("editor") | post("editor", 422)),
    "recommend-experiment": Route(get("viewer"), row=experiment),
    "recommend-experiment-stop": Route(post("editor"), row=experiment),
    "recommend-variants": Route(get("viewer")),
    "recommend-variant": Route(get("viewer"), row=variant),
    "recommend-quality": Route(get("viewer")),
    "recommend-scenarios": Route(get("viewer")),
    "recommend-scenario-new": Route(get("editor") | post("editor", 302, key="end", **FORM)),
    "recommend-preview": Route(post("editor", 200, **FORM)),
    "recommend-scenario": Route(get("editor") | post("editor", 302, **FORM), row=scenario),
    "recommend-undo": Route(post("editor"), row=scenario),
    "recommend-delete": Route(post("editor"), row=scenario),
    "api-item-list": Route(get("read") | post("write", 201, id="pot")),
    "api-item-detail": Route(
        get("read") | patch("write", 200, hidden=True) | delete("write"), row=item_key
    ),
    "api-person-list": Route(get("read") | post("write", 201, id="ben")),
    "api-person-detail": Route(
        get("read") | patch("write", 200, anonymous=True) | delete("write"), row=person_key
    ),
    "api-person-merge": Route(post("write", 422, into="nobody"), row=person_key),
    "api-interactions": Route(post("write", 202, **EVENT)),
    "api-item-import": Route(post_form("write", 422)),
    "api-interaction-import": Route(post_form("write", 422)),
    "api-recommendations": Route(post("read", 200, person="ann")),
    "api-recommendations-persons": Route(post("read", 422)),
    "api-recommendations-segments": Route(post("read", 200, person="ann")),
    "api-recommendations-search": Route(post("read", 200, person="ann", query="fern")),
    "api-recommendations-next": Route(post("read", 200), row=answer),
    "api-recommendations-variant": Route(post("read", 404, variant_of="none")),
    "api-recommendations-variants": Route(get("read"), row=variant),
    "api-scenario-list": Route(get("read") | post("write", 201, id="end", name="End")),
    "api-scenario-detail": Route(
        get("read") | patch("write", 200, name="Start") | delete("write"), row=scenario_key
    ),
    "api-scenario-undo": Route(post("write", 200), row=scenario_key),
    "api-experiment-list": Route(get("read") | post("write", 422, name="a")),
    "api-experiment-detail": Route(get("read"), row=experiment),
    "api-experiment-stop": Route(post("write", 200), row=experiment),
    "api-experiment-results": Route(get("read"), row=experiment),
    "api-ranking-model-list": Route(get("read")),
    "api-ranking-model-detail": Route(get("read"), row=model),
}

# Other companies' APIs have their own ways to show a key, which nobody here has; what they answer
# to those who have one: tests/recommendations/api/test_gorse.py and test_recombee.py.
REFUSED = 401


def closed(*calls: dict[str, object], **kwargs: str) -> Route:
    """An address that answers nobody without its own kind of key."""
    found = {method: call for each in calls for method, call in each.items()}
    return Route(found, kwargs=kwargs)  # type: ignore[arg-type]


GET, POST, PUT = get("public", REFUSED), post("public", REFUSED), put("public", REFUSED)
PATCH, DELETE = patch("public", REFUSED), delete("public", REFUSED)
ROUTES |= {
    "recombee": closed(GET, POST, PUT, DELETE, database="acme-00", path="items/a"),
    "collect": closed(POST),
    "collect-script": closed(get("public")),
    "gorse-health": closed(get("public"), name="live"),
    "gorse-items": closed(GET, POST),
    "gorse-item-new": closed(POST),
    "gorse-item": closed(GET, PATCH, DELETE, item="a"),
    "gorse-item-category": closed(PUT, DELETE, item="a", category="b"),
    "gorse-item-feedback": closed(GET, item="a"),
    "gorse-item-neighbors": closed(GET, item="a"),
    "gorse-item-to-item": closed(GET, name="n", item="a"),
    "gorse-users": closed(GET, POST),
    "gorse-user-new": closed(POST),
    "gorse-user": closed(GET, PATCH, DELETE, user="a"),
    "gorse-user-feedback": closed(GET, user="a"),
    "gorse-user-neighbors": closed(GET, user="a"),
    "gorse-user-to-user": closed(GET, name="n", user="a"),
    "gorse-feedback": closed(GET, POST, PUT),
    "gorse-feedback-of-type": closed(GET, kind="star"),
    "gorse-feedback-pair": closed(GET, DELETE, user="a", item="b"),
    "gorse-feedback-one": closed(GET, DELETE, kind="star", user="a", item="b"),
    "gorse-session": closed(POST),
    "gorse-recommend": closed(GET, user="a"),
    "gorse-list": closed(GET, name="latest"),
    "gorse-non-personalized": closed(GET, name="popular"),
    "gorse-collaborative-filtering": closed(GET, user="a"),
}
