"""A model goes live by a win or by an owner's word; names move; a challenger takes its share."""

import pytest

from generation.serving.routing import resolve_model
from saas.errors import InsufficientRole, Invalid
from tenants.actors import Actor, acting
from tenants.events import history
from tenants.models import User
from tests.training.conftest import Bring
from training import services
from training.errors import ModelNotFound, NotBetter
from training.feedback import Mean, Rate, told_apart
from training.models import ModelAlias, ModelVersion
from training.names import version_named
from training.services.aliases import alias_remove, alias_set, drawn_writer
from training.services.gate import confidence_set, gate_now

pytestmark = pytest.mark.django_db
BY_CHANCE = "training.services.aliases._chance.randrange"


def measured(version: ModelVersion, p_value: float, *, champion: str = "") -> ModelVersion:
    """A version that its run has measured."""
    found = {"gain": 0.3, "p_value": p_value}
    evaluation = {
        **found,
        "champion_sha256": champion,
        "over_champion": found if champion else None,
    }
    version.card = {"evaluation": evaluation}
    version.save()
    return version


def test_a_win_goes_live(bring: Bring) -> None:
    version = measured(bring(), 0.01)
    services.version_promote(version=version)
    assert services.live_version() == version


def test_how_sure_it_must_be_is_chosen(bring: Bring) -> None:
    version = measured(bring(), 0.08)
    with pytest.raises(NotBetter) as refused:
        services.version_promote(version=version)
    assert refused.value.extra == {"confidence": 95, "measured": True}
    confidence_set(percent=90)
    services.version_promote(version=version)
    assert services.live_version() == version


def test_a_win_is_over_what_is_live_now(bring: Bring) -> None:
    first, second = measured(bring(), 0.01), measured(bring(seed=1), 0.01)
    services.version_promote(version=first)
    with pytest.raises(NotBetter):
        services.version_promote(version=second)
    measured(second, 0.01, champion=first.sha256)
    services.version_promote(version=second)
    assert services.live_version() == second
    services.version_rollback()
    assert services.live_version() == first
    assert gate_now().opens_for(second), "it was live before"


def test_an_owner_may_decide_otherwise_and_says_why(bring: Bring, ada: User) -> None:
    version = measured(bring(), 0.5)
    with acting(Actor(user=ada)), pytest.raises(InsufficientRole):
        services.version_promote(version=version, reason="I like it")
    with pytest.raises(NotBetter):
        services.version_promote(version=version, reason="  ")
    services.version_promote(version=version, reason="Our editors prefer it")
    event = history(version).filter(name="model.promoted").get()
    assert event.data["reason"] == "Our editors prefer it"


def test_names_move_from_version_to_version(bring: Bring) -> None:
    first, second = bring(), bring(seed=1)
    assert version_named("kindling@champion") is None
    alias_set(name="autumn", version=first)
    assert version_named("kindling@autumn") == first
    alias_set(name="autumn", version=second)
    assert version_named("kindling@autumn") == second
    services.version_promote(version=first)
    assert version_named("kindling@champion") == first
    alias_remove(name="autumn")
    for name in ("kindling@autumn", "kindling@", "other@champion"):
        with pytest.raises(ModelNotFound):
            version_named(name)


@pytest.mark.parametrize(
    ("name", "share"),
    [("champion", 0), ("Autumn", 0), ("", 0), ("a" * 41, 0), ("autumn", 10), ("challenger", 51)],
)
def test_a_name_or_share_that_cannot_be_is_refused(bring: Bring, name: str, share: int) -> None:
    with pytest.raises(Invalid):
        alias_set(name=name, version=bring(), share=share)


def test_a_challenger_writes_its_share(bring: Bring, monkeypatch: pytest.MonkeyPatch) -> None:
    champion, challenger = bring(), bring(seed=1)
    services.version_promote(version=champion)
    alias_set(name="challenger", version=challenger, share=30)
    drawn = []
    for chance in range(100):
        monkeypatch.setattr(BY_CHANCE, lambda most, chance=chance: chance)
        drawn.append(drawn_writer())
    assert drawn == [challenger] * 30 + [champion] * 70
    monkeypatch.setattr(BY_CHANCE, lambda most: 0)
    assert resolve_model().payload["adapter"]["version"] == str(challenger.pk)
    services.version_quarantine(version=challenger)
    assert drawn_writer() == champion


def test_a_challenger_that_goes_live_is_tried_no_more(bring: Bring) -> None:
    version = measured(bring(), 0.01)
    alias_set(name="challenger", version=version, share=10)
    services.version_promote(version=version)
    assert not ModelAlias.objects.exists()


def test_a_deleted_version_loses_its_names(bring: Bring) -> None:
    version = bring()
    alias_set(name="autumn", version=version)
    services.version_erase(version=version)
    assert not ModelAlias.objects.exists()


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [(Rate(0, 0), 0.0, 1.0), (Rate(8, 10), 0.490, 0.943), (Rate(0, 20), 0.0, 0.161)],
)
def test_the_interval_of_a_share_is_wilsons(value: Rate, low: float, high: float) -> None:
    assert value.interval == pytest.approx((low, high), abs=1e-3)


def test_few_cases_tell_nothing_apart() -> None:
    assert not told_apart(Rate(2, 2), Rate(0, 2))
    assert told_apart(Rate(90, 100), Rate(40, 100))
    few, many = (Mean.of([middle - 0.1, middle + 0.1] * 50) for middle in (0.2, 0.7))
    assert told_apart(few, many)
