"""What fills the recommender's lists; see tests/support/lists.py."""

from secrets import token_hex
from typing import Any

from django.utils import timezone

from recommendations.models import (
    Interaction,
    Item,
    Person,
    RankingModel,
    Recommendation,
    Scenario,
)
from recommendations.services.catalogue import ItemData, items_write, persons_write
from recommendations.services.experiments import experiment_start
from recommendations.services.imports import KIND
from recommendations.services.scenarios import scenario_save
from recommendations.serving.settings import ScenarioSettings
from tenants.jobs.models import Job
from tenants.models import ApiKey


def items(count: int) -> dict[str, Any]:
    items_write(items=[ItemData(token_hex(8), {"title": "Fern"}) for _ in range(count)])
    return {}


def people(count: int) -> dict[str, Any]:
    persons_write(persons={token_hex(8): {} for _ in range(count)})
    return {}


def scenario() -> Scenario:
    made = Scenario(key=token_hex(8), name="Home")
    return scenario_save(scenario=made, settings=ScenarioSettings())


def scenarios(count: int) -> dict[str, Any]:
    for _ in range(count):
        scenario()
    return {}


def people_of_scenario(count: int) -> dict[str, Any]:
    people(count)
    return {"pk": scenario().pk}


def answers(count: int) -> dict[str, Any]:
    """Of so many scenarios, in a shop that sells something."""
    items(1)
    for _ in range(count):
        Recommendation.objects.create(scenario=scenario())
    return {}


def experiments(count: int) -> dict[str, Any]:
    arms = [{"name": name, "share": 50, "settings": {}} for name in ("a", "b")]
    for _ in range(count):
        experiment_start(scenario=scenario(), name="Two", arms=arms)
    return {}


def variants(count: int) -> dict[str, Any]:
    """As many of one thing."""
    items_write(items=[variant("shown") for _ in range(count)])
    return {"key": "shown"}


def variant_groups(count: int) -> dict[str, Any]:
    """As many things of which there are two."""
    for group in (token_hex(8) for _ in range(count)):
        items_write(items=[variant(group), variant(group)])
    return {}


def variant(group: str) -> ItemData:
    return ItemData(token_hex(8), {"title": "Fern", "variant_of": group})


def models(count: int) -> dict[str, Any]:
    state = RankingModel.State.RETIRED
    for number in range(1, count + 1):
        RankingModel.objects.create(number=number, state=state, sha256="0" * 64, items=1, events=1)
    return {}


def events(count: int) -> dict[str, Any]:
    """As many of one person and each with another item, and as many of one item."""
    items(count + 1)
    people(count + 1)
    (ann, *others), (fern, *rest) = Person.objects.all(), Item.objects.all()
    pairs = [*((ann, item) for item in rest), *((person, fern) for person in others)]
    for person, item in pairs:
        Interaction.objects.create(
            person=person, item=item, type="click", occurred_at=timezone.now()
        )
    return {}


def events_of_person(count: int) -> dict[str, Any]:
    events(count)
    return {"pk": Person.objects.all()[0].pk}


def events_of_item(count: int) -> dict[str, Any]:
    events(count)
    return {"pk": Item.objects.all()[0].pk}


def keys(count: int) -> dict[str, Any]:
    """As many public keys and as many tokens."""
    for kind in (ApiKey.Kind.PUBLIC, ApiKey.Kind.SIGNING):
        for _ in range(count):
            ApiKey.issue(
                kind=kind, name="Shop", scopes=[], role="viewer", origins=["https://a.test"]
            )
    return {}


def read_files(count: int) -> dict[str, Any]:
    for _ in range(count):
        read_file(1)
    return {}


def read_file(count: int) -> dict[str, Any]:
    """One file of which so many rows were refused."""
    problems = [{"line": line, "field": "id", "detail": "Odd"} for line in range(count)]
    job = Job.objects.create(
        kind=KIND,
        input_sha256="0" * 64,
        state="succeeded",
        finished_at=timezone.now(),
        result={"problems": problems},
    )
    return {"pk": job.pk}


LISTS = {
    "recommend-connect": keys,
    "recommend-imports": read_files,
    "recommend-import-errors": read_file,
    "recommend": answers,
    "recommend-items": items,
    "recommend-people": people,
    "recommend-person": events_of_person,
    "recommend-scenarios": scenarios,
    "recommend-scenario": people_of_scenario,
    "recommend-experiments": experiments,
    "recommend-experiment-new": scenarios,
    "recommend-variants": variant_groups,
    "recommend-variant": variants,
    "api-recommendations-variants": variants,
    "api-item-list": items,
    "api-person-list": people,
    "api-scenario-list": scenarios,
    "api-experiment-list": experiments,
    "api-ranking-model-list": models,
}
